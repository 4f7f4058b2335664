//! A module of the runtime imports only what stands below it (see ARCHITECTURE.md).

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The modules with their floors, from the ground up. Within a floor a module
/// may import those before it.
const ORDER: &[(u8, &str)] = &[
    (0, "codec"),
    (0, "time"),
    (0, "id"),
    (0, "record"),
    (1, "platform"),
    (2, "storage"),
    (3, "journal"),
    (4, "run"),
    (5, "io"),
    (5, "step"),
    (5, "plan"),
    (6, "engine"),
    (7, "ops"),
    (7, "saga"),
    (7, "fsm"),
    (8, "handle"),
    (8, "testing"),
    (8, "prelude"),
    (8, "__private"),
    (8, "fuzzing"),
    (8, "lib"),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../runtime/src")
}

fn sources(dir: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, files);
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
}

/// The module at the crate's top that a file belongs to.
fn module(file: &Path) -> String {
    let below = file.strip_prefix(root()).unwrap();
    below.components().next().unwrap().as_os_str().to_str().unwrap().trim_end_matches(".rs").to_owned()
}

fn rank(module: &str) -> Option<usize> {
    ORDER.iter().position(|(_, name)| *name == module)
}

/// The modules that a line names behind `crate::`, also in braces right behind it.
fn imports(code: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        // `$crate::` and `other_crate::` are something else.
        let before = code[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '$') {
            continue;
        }
        let rest = &code[at + "crate::".len()..];
        assert!(!rest.starts_with('{'), "name each module in a line of its own: {code}");
        found.insert(rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect());
    }
    found
}

#[test]
fn modules_import_lower_floors_only() {
    let mut files = Vec::new();
    sources(&root(), &mut files);
    assert!(files.len() > 40, "the sources were not found");
    let mut wrong = Vec::new();
    for file in files {
        let own = module(&file);
        let own_rank =
            rank(&own).unwrap_or_else(|| panic!("`{own}` has no floor: give it one here and in ARCHITECTURE.md"));
        if own == "prelude" {
            continue; // it only names what `lib` has
        }
        let text = std::fs::read_to_string(&file).unwrap();
        for (number, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            for import in imports(code) {
                let allowed = import == own || rank(&import).is_some_and(|rank| rank < own_rank);
                if !allowed {
                    wrong.push(format!("{}:{}: `{own}` imports `{import}`", file.display(), number + 1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn the_architecture_page_shows_every_module_on_its_floor() {
    let page = std::fs::read_to_string(root().join("../../ARCHITECTURE.md")).unwrap();
    for (floor, module) in ORDER {
        let row = page.lines().find(|line| line.starts_with(&format!("| {floor} |")));
        let row = row.unwrap_or_else(|| panic!("ARCHITECTURE.md has no row for floor {floor}"));
        assert!(row.contains(&format!("`{module}`")), "floor {floor} of ARCHITECTURE.md does not name `{module}`");
    }
}

#[test]
fn the_check_sees_an_import_from_above() {
    assert_eq!(imports("use crate::engine::Core;"), BTreeSet::from(["engine".to_owned()]));
    assert_eq!(imports("fn f(x: crate::saga::Saga, y: factum_crate::nothing)"), BTreeSet::from(["saga".to_owned()]));
    assert!(rank("engine") > rank("run") && rank("saga") > rank("engine"));
}
