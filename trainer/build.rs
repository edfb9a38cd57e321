//! Compiles the shim against the libtorch that torch-sys found, and tells the binary where that libtorch is.

use std::env;
use std::path::{Path, PathBuf};

fn main() -> Result<(), String> {
    for watched in ["shim/shim.cpp", "shim/shim.h", "build.rs"] {
        println!("cargo::rerun-if-changed={watched}");
    }
    println!("cargo::rerun-if-env-changed=LIBTORCH");
    let libtorch = env::var_os("LIBTORCH").map(PathBuf::from).ok_or("LIBTORCH is not set: run `make setup`")?;
    println!("cargo::rerun-if-changed={}", libtorch.join("build-version").display());
    let include = libtorch.join("include");
    if !include.join("torch/csrc/autograd/profiler_kineto.h").exists() {
        return Err(format!("no libtorch with profiler headers in {}: run `make setup`", libtorch.display()));
    }
    cc::Build::new()
        .cpp(true)
        .std("c++17")
        .define("_GLIBCXX_USE_CXX11_ABI", "1")
        .define("USE_KINETO", None) // as libtorch itself was built: it decides about members
        // libtorch's headers draw warnings that are not ours to mend.
        .flag("-isystem")
        .flag(&include)
        .flag("-isystem")
        .flag(include.join("torch/csrc/api/include"))
        .flag("-isystem")
        .flag(include.join("kineto"))
        .warnings_into_errors(true)
        .file("shim/shim.cpp")
        .compile("shim");
    // The binary needs torch_cpu and c10 alone; CUDA's half is loaded at start where there is one (shim_load_cuda).
    println!("cargo::rustc-link-lib=torch_cpu");
    println!("cargo::rustc-link-lib=c10");
    println!("cargo::rustc-link-arg=-Wl,-rpath,{}", real_library_folder(&libtorch)?.display());
    Ok(())
}

/// Where `libtorch_cpu.so` really lies: the wheel's libraries find their neighbours by paths relative to that.
fn real_library_folder(libtorch: &Path) -> Result<PathBuf, String> {
    let library = libtorch.join("lib/libtorch_cpu.so");
    let real = library.canonicalize().map_err(|error| format!("{}: {error}: run `make setup`", library.display()))?;
    real.parent().map(Path::to_owned).ok_or_else(|| format!("{} has no folder", real.display()))
}
