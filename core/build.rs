//! Names the instructions that the target has, for `asm.rs`.
//!
//! Stable Rust shows no `target_feature` for Cortex-M, so the target's name and `-C target-cpu` have to tell.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!(
        "cargo::rustc-check-cfg=cfg(gimbal_asm, gimbal_dsp, gimbal_fpu, gimbal_mve, gimbal_v6m, gimbal_v7m, gimbal_v8m)"
    );
    let target = env::var("TARGET").unwrap_or_default();
    let flags = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    let cpu = flags.split('\u{1f}').filter_map(|flag| Some(flag.split_once("target-cpu=")?.1)).next_back();
    let v8m = target.starts_with("thumbv8m.main");
    let is_one_of = |cpus: &[&str]| v8m && cpu.is_some_and(|cpu| cpus.contains(&cpu));
    let mve = is_one_of(&["cortex-m52", "cortex-m55", "cortex-m85"]);
    let dsp = mve || is_one_of(&["cortex-m33", "cortex-m35p"]) || target.starts_with("thumbv7em");
    let v7m = !dsp && (v8m || target.starts_with("thumbv7m"));
    let v6m = target.starts_with("thumbv6m") || target.starts_with("thumbv8m.base");
    let set = |name: &str, on: bool| {
        if on {
            println!("cargo::rustc-cfg=gimbal_{name}");
        }
    };
    set("asm", dsp || v7m || v6m);
    set("dsp", dsp);
    set("fpu", target.ends_with("hf"));
    // Vector registers are those of the FPU, which start-up code enables only for the hard-float ABI.
    set("mve", mve && target.ends_with("hf"));
    set("v6m", v6m);
    set("v7m", v7m);
    // What only v8-M needs to tell its assembler.
    set("v8m", v8m);
}
