//! Writes the seeds of all targets into a folder, one folder for each target.

use std::path::Path;
use wirestack_properties::targets;

fn main() -> std::io::Result<()> {
    let folder = std::env::args().nth(1).expect("a folder");
    for target in targets() {
        let folder = Path::new(&folder).join(target.name);
        std::fs::create_dir_all(&folder)?;
        for (number, seed) in target.seeds().iter().enumerate() {
            std::fs::write(folder.join(format!("seed-{number}")), seed)?;
        }
    }
    Ok(())
}
