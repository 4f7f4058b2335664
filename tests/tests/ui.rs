//! What compiles, what does not, and what the compiler says then.

use std::process::Command;

/// The compiler whose words the expected ones are.
const COMPILER: &str = "rustc 1.95.";

#[test]
fn ui() {
    let cases = trybuild::TestCases::new();
    cases.pass("ui/*/pass/*.rs");
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = String::from_utf8(Command::new(rustc).arg("--version").output().unwrap().stdout).unwrap();
    if version.starts_with(COMPILER) {
        cases.compile_fail("ui/*/fail/*.rs");
    } else {
        eprintln!("what does not compile is not tried: this is {version}, and the words are those of {COMPILER}x");
    }
}
