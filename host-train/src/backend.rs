//! Where tensors live: a burn backend chosen by name at run time.

use burn::prelude::Device;

/// The backends compiled in, the default first.
pub const NAMES: &[&str] = &[
    #[cfg(feature = "flex")]
    "flex",
    #[cfg(feature = "ndarray")]
    "ndarray",
    #[cfg(feature = "wgpu")]
    "wgpu",
    #[cfg(feature = "vulkan")]
    "vulkan",
    #[cfg(feature = "cuda")]
    "cuda",
];

/// The name is unknown, or its Cargo feature is off.
#[derive(Debug, thiserror::Error)]
#[error("There is no backend `{name}` in this program; it was compiled with {}.", NAMES.join(", "))]
pub struct UnknownBackend {
    /// What was asked for.
    pub name: String,
}

/// The device behind a backend's name: the first GPU, or the CPU.
// burn marks `ndarray` as deprecated in favour of `flex`; it stays as the second opinion.
#[allow(deprecated)]
pub fn device(name: &str) -> Result<Device, UnknownBackend> {
    Ok(match name {
        #[cfg(feature = "flex")]
        "flex" => Device::flex(),
        #[cfg(feature = "ndarray")]
        "ndarray" => Device::ndarray(),
        #[cfg(feature = "wgpu")]
        "wgpu" => Device::wgpu(burn::tensor::DeviceKind::DefaultDevice),
        #[cfg(feature = "vulkan")]
        "vulkan" => Device::vulkan(burn::tensor::DeviceKind::DefaultDevice),
        #[cfg(feature = "cuda")]
        "cuda" => Device::cuda(0),
        other => return Err(UnknownBackend { name: other.into() }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_opens_and_any_other_is_refused() {
        for name in NAMES {
            assert!(device(name).is_ok(), "{name}");
        }
        let error = device("abacus").unwrap_err().to_string();
        assert!(error.contains(NAMES[0]), "{error}");
    }
}
