//! Text and numbers as the page writes them.

/// Makes any text safe between tags and inside a double-quoted attribute.
pub(super) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            // Control characters are not allowed in a page, escaped or not.
            c if c.is_control() && c != '\n' && c != '\t' => safe.push('\u{FFFD}'),
            c => safe.push(c),
        }
    }
    safe
}

/// At most `limit` characters, the last an ellipsis where some were left out.
pub(super) fn shorten(text: &str, limit: usize) -> String {
    match text.chars().count() > limit {
        true => text.chars().take(limit.saturating_sub(1)).chain(['…']).collect(),
        false => text.to_owned(),
    }
}

/// `12 345`, in groups of three with narrow no-break spaces.
pub(super) fn integer(value: u64) -> String {
    let digits = value.to_string();
    let mut grouped = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            grouped.push('\u{202F}');
        }
        grouped.push(digit);
    }
    grouped
}

/// Four significant digits without trailing zeros; whole numbers in full; a dash where not finite.
pub(super) fn number(value: f64) -> String {
    rounded(value, 4)
}

/// [`number`] with as many significant digits as asked.
pub(super) fn rounded(value: f64, digits: i32) -> String {
    let size = value.abs();
    if !value.is_finite() {
        return "—".to_owned();
    }
    let sign = if value < 0.0 { "−" } else { "" };
    if size.fract() == 0.0 && size < 1e15 {
        return format!("{sign}{}", integer(size as u64));
    }
    if !(1e-7..1e15).contains(&size) {
        return format!("{sign}{size:.2e}");
    }
    let decimals = (digits - 1 - size.log10().floor() as i32).max(0) as usize;
    let digits = format!("{size:.decimals$}");
    let digits = if decimals > 0 { digits.trim_end_matches('0').trim_end_matches('.') } else { &digits };
    let (whole, fraction) = digits.split_once('.').map_or((digits, String::new()), |(w, f)| (w, format!(".{f}")));
    let whole = whole.parse().map_or_else(|_| whole.to_owned(), integer);
    format!("{sign}{whole}{fraction}")
}

/// Bytes, in KiB from 1024 on.
pub(super) fn bytes(value: u64) -> String {
    match value {
        0..1024 => format!("{value} B"),
        _ => format!("{:.1} KiB", value as f64 / 1024.0),
    }
}

/// A share of one as `87.1 %`; a dash where there is nothing to divide by.
pub(super) fn percent(part: u64, whole: u64) -> String {
    match whole {
        0 => "—".to_owned(),
        _ => format!("{:.1}\u{202F}%", 100.0 * part as f64 / whole as f64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        let written = [0.87112, 0.5, 12.0, 23456.0, 1234.56, 0.00012346, 1e-9, -0.25, f64::NAN].map(number);
        assert_eq!(
            written,
            ["0.8711", "0.5", "12", "23\u{202F}456", "1\u{202F}235", "0.0001235", "1.00e-9", "−0.25", "—"]
        );
        assert_eq!(number(f64::INFINITY), "—");
        assert_eq!(number(0.0), "0");
    }

    #[test]
    fn text_is_made_safe_and_short() {
        assert_eq!(escape("<a href=\"x\">&'\u{0}"), "&lt;a href=&quot;x&quot;&gt;&amp;&#39;\u{FFFD}");
        assert_eq!(shorten("ψ·δ(η)", 4), "ψ·δ…");
        assert_eq!(shorten("ψ·δ", 3), "ψ·δ");
    }
}
