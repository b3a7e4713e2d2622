//! The firmware has its own lockfile; what reads and writes packages must be the same in both.

use std::path::Path;

fn version(lockfile: &str, package: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let lock: toml::Table = std::fs::read_to_string(root.join(lockfile)).unwrap().parse().unwrap();
    let packages = lock["package"].as_array().unwrap();
    let found = packages.iter().filter(|entry| entry["name"].as_str() == Some(package));
    let versions: Vec<_> = found.map(|entry| entry["version"].as_str().unwrap()).collect();
    // Another crate of the host may need another version beside it; core's is the latest.
    (*versions.last().unwrap_or_else(|| panic!("{lockfile} has no {package}"))).to_owned()
}

#[test]
fn host_and_firmware_agree() {
    for package in ["postcard", "serde", "serde_core", "libm", "crc", "bytemuck"] {
        assert_eq!(version("Cargo.lock", package), version("firmware-example/Cargo.lock", package), "{package}");
    }
}
