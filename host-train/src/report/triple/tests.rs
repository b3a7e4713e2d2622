//! Figures hold what they are given, and nothing breaks them.

use super::*;
use crate::report::reproduce::{ReproducePage, html};

fn page(panel: crate::report::grid::Panel) -> String {
    html(&ReproducePage { title: "walks".into(), panels: vec![panel], rows: Vec::new() })
}

#[test]
fn a_strip_has_a_picture_for_each_frame_and_none_where_none_was_kept() {
    for channels in [1, 3] {
        let frame = |kept: bool| Frame {
            when: "after 1 < 2 steps".into(),
            sample: if kept { vec![0.5; 4 * channels] } else { Vec::new() },
            decoded: vec![2.0; 4 * channels],
        };
        let strip = Strip { name: "a & b".into(), frames: vec![frame(true), frame(false)] };
        let page = page(strips(&Strips { title: "walks".into(), columns: 2, channels, strips: vec![strip] }));
        assert_eq!(page.matches("<img class=\"image\"").count(), 3, "{channels}");
        assert!(page.contains("a &amp; b") && page.contains("after 1 &lt; 2 steps"));
    }
}

#[test]
fn a_path_has_its_rings_and_nothing_is_no_path() {
    let path = Path { moved: vec![(0.0, 0.0), (1.0, 2.0), (0.5, 1.0)], found: vec![(0, (0.0, 0.1)), (2, (0.5, 0.9))] };
    let drawn = page(paths(&Paths { title: "paths".into(), paths: vec![path] }));
    assert_eq!(drawn.matches("<circle").count(), 3 + 2);
    for empty in [Vec::new(), vec![Path { moved: vec![(f32::NAN, 0.0)], found: Vec::new() }]] {
        assert!(!page(paths(&Paths { title: "paths".into(), paths: empty })).contains("<circle"));
    }
}
