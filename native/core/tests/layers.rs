//! Modules import downward only: each may use those behind it in the list.

use std::fs;
use std::path::{Path, PathBuf};

/// From the top. What is one file is `name.rs`, the others are folders.
const LAYERS: [&str; 10] = ["record", "search", "modes", "compression", "bits", "simd", "buffer", "digest", "round", "status"];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
}

#[test]
#[cfg_attr(miri, ignore = "reads files")]
fn imports_run_downward() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let layer_of = |name: &str| LAYERS.iter().position(|layer| *layer == name);
    let mut imports = 0;
    for file in sources(&root) {
        let name = file.strip_prefix(&root).expect("it is below").to_str().expect("UTF-8");
        let room = name.split(['/', '\\', '.']).next().expect("a name");
        if room == "lib" {
            continue;
        }
        let own = layer_of(room).unwrap_or_else(|| panic!("{name} is in no layer: take it into the list"));
        let text = fs::read_to_string(&file).expect("a source");
        // Groups are taken apart: `crate::{Float, round}` imports two.
        for path in text.split("crate::").skip(1) {
            let paths = path.strip_prefix('{').map_or(path, |group| group.split('}').next().unwrap_or(group));
            let paths = if paths.len() < path.len() { paths.split(',').collect() } else { vec![paths] };
            for path in paths {
                let used = path.trim().split(|character: char| !character.is_alphanumeric() && character != '_').next();
                let used = used.expect("a name");
                // The crate's root holds one type beside its modules.
                if used == "Float" {
                    continue;
                }
                let below = layer_of(used).unwrap_or_else(|| panic!("{name} uses {used} of the crate's root: name its module"));
                assert!(own <= below, "{name} is in {room} and uses {used}, which is above it");
                imports += 1;
            }
        }
    }
    assert!(imports > 100, "only {imports} imports were found");
}
