//! Owns the files of packages that the operator has installed for scripts, found as CommonJS finds them.
//! Never touches anything outside that folder: no `..`, no link that leads out of it.

use portico_core::port::script::AskError;
use serde_json::{Map, Value, json};
use std::{
    fs,
    path::{Component, Path, PathBuf},
};

/// The folder, if there is one.
pub(crate) struct Packages {
    folder: Option<PathBuf>,
}

impl Packages {
    pub(crate) fn new(folder: Option<PathBuf>) -> Self {
        Self { folder }
    }

    /// `{from, name}`, where `from` is the folder of the file that asks, below ours, and empty for a script; back come the
    /// `path` of a file below ours and its `text`.
    pub(crate) async fn find(&self, request: &Value) -> Result<Value, AskError> {
        let text = |name: &str| request.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (from, name) = (text("from"), text("name"));
        let Some(folder) = self.folder.clone() else {
            return Err(AskError::told(format!(
                "Cannot find module '{name}': the operator has not installed packages for scripts; set `scripts.modules_dir` and run npm there"
            )));
        };
        let found = tokio::task::spawn_blocking(move || Search { folder: &folder }.find(&from, &name)).await;
        found.map_err(|error| AskError::Failed(error.into()))?
    }
}

struct Search<'a> {
    folder: &'a Path,
}

impl Search<'_> {
    fn find(&self, from: &str, name: &str) -> Result<Value, AskError> {
        let from = inside(from).ok_or_else(|| missing(name, "its place is not in the folder"))?;
        let path = if name.starts_with("./") || name.starts_with("../") || name == "." || name == ".." {
            let joined = joined(&from, name).filter(|path| path.starts_with("node_modules"));
            joined.and_then(|path| self.file(&path))
        } else {
            self.package(&from, name)?
        };
        let Some(path) = path else {
            return Err(missing(
                name,
                "it is not in `scripts.modules_dir`; the operator may add it there with npm install",
            ));
        };
        let text =
            self.read(&path).ok_or_else(|| missing(name, "its file cannot be read, or is too large"))?;
        let path = path.to_str().ok_or_else(|| missing(name, "its path is not UTF-8"))?;
        Ok(json!({ "path": path, "text": text }))
    }

    /// A package, in the nearest `node_modules`; scripts themselves may require what our `package.json` lists.
    fn package(&self, from: &Path, name: &str) -> Result<Option<PathBuf>, AskError> {
        let mut parts = name.splitn(if name.starts_with('@') { 3 } else { 2 }, '/');
        let package = match (parts.next(), name.starts_with('@')) {
            (Some(scope), true) => format!("{scope}/{}", parts.next().unwrap_or_default()),
            (Some(package), false) => package.to_owned(),
            (None, _) => return Ok(None),
        };
        let rest = parts.next();
        if inside(&package).is_none_or(|path| path.as_os_str().is_empty()) {
            return Err(missing(name, "it is no name of a package"));
        }
        if from.as_os_str().is_empty() && !self.is_listed(&package) {
            return Ok(None);
        }
        for ancestor in from.ancestors() {
            if ancestor.file_name().is_some_and(|name| name == "node_modules") {
                continue;
            }
            let root = ancestor.join("node_modules").join(&package);
            if self.folder.join(&root).is_dir() {
                return Ok(self.entry(&root, rest));
            }
        }
        Ok(None)
    }

    fn is_listed(&self, package: &str) -> bool {
        let manifest = self.manifest(Path::new(""));
        manifest.get("dependencies").and_then(Value::as_object).is_some_and(|all| all.contains_key(package))
    }

    fn manifest(&self, root: &Path) -> Map<String, Value> {
        let text = self.read(&root.join("package.json"));
        text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
    }

    /// The file of a package that is meant by its name, or by its name and something behind it.
    fn entry(&self, root: &Path, rest: Option<&str>) -> Option<PathBuf> {
        let manifest = self.manifest(root);
        let of_it = |path: &str| joined(root, path).filter(|path| path.starts_with(root));
        if let Some(exports) = manifest.get("exports") {
            let wanted = rest.map_or(".".to_owned(), |rest| format!("./{rest}"));
            if let Some(target) = exported(exports, &wanted) {
                return self.file(&of_it(target)?);
            }
        }
        match (rest, manifest.get("main").and_then(Value::as_str)) {
            (Some(rest), _) => self.file(&of_it(rest)?),
            (None, Some(main)) => of_it(main).and_then(|path| self.file(&path)).or_else(|| self.file(root)),
            (None, None) => self.file(root),
        }
    }

    /// A file, with the ending it may leave out, or what a folder stands for.
    fn file(&self, path: &Path) -> Option<PathBuf> {
        let with = |ending: &str| {
            let mut name = path.as_os_str().to_owned();
            name.push(ending);
            PathBuf::from(name)
        };
        let here = |path: PathBuf| self.folder.join(&path).is_file().then_some(path);
        here(path.to_owned())
            .or_else(|| here(with(".js")))
            .or_else(|| here(with(".cjs")))
            .or_else(|| here(with(".json")))
            .or_else(|| {
                let main = self
                    .manifest(path)
                    .get("main")
                    .and_then(Value::as_str)
                    .and_then(|main| joined(path, main));
                let main = main.filter(|main| main != path).and_then(|main| self.file(&main));
                main.or_else(|| here(path.join("index.js"))).or_else(|| here(path.join("index.json")))
            })
    }

    /// Its text, if it really is in the folder, whatever links there are.
    fn read(&self, path: &Path) -> Option<String> {
        let (folder, real) =
            (fs::canonicalize(self.folder).ok()?, fs::canonicalize(self.folder.join(path)).ok()?);
        let is_small = fs::metadata(&real).is_ok_and(|about| about.is_file() && about.len() <= LARGEST);
        (real.starts_with(folder) && is_small).then(|| fs::read_to_string(real).ok())?
    }
}

/// What `exports` of a package says of a path (`require`, then `node`, then `default`).
fn exported<'a>(exports: &'a Value, wanted: &str) -> Option<&'a str> {
    match exports {
        Value::String(target) => (wanted == ".").then_some(target),
        Value::Array(choices) => choices.iter().find_map(|choice| exported(choice, wanted)),
        Value::Object(names) if names.keys().any(|name| name.starts_with('.')) => {
            names.get(wanted).and_then(|target| exported(target, "."))
        }
        Value::Object(conditions) => conditions
            .iter()
            .filter(|(condition, _)| matches!(condition.as_str(), "require" | "node" | "default"))
            .find_map(|(_, target)| exported(target, wanted)),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

/// A path that goes down only.
fn inside(path: &str) -> Option<PathBuf> {
    let path = Path::new(path);
    let goes_down = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
    path.components()
        .all(goes_down)
        .then(|| path.components().filter(|part| *part != Component::CurDir).collect())
}

/// One path behind another; none where it leads out.
fn joined(base: &Path, path: &str) -> Option<PathBuf> {
    let mut joined = base.to_owned();
    for part in Path::new(path).components() {
        match part {
            Component::Normal(name) => joined.push(name),
            Component::CurDir => {}
            Component::ParentDir => {
                if !joined.pop() {
                    return None;
                }
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(joined)
}

fn missing(name: &str, why: &str) -> AskError {
    let message = format!("Cannot find module '{name}': {why}");
    AskError::Told(Map::from_iter([
        ("message".to_owned(), json!(message)),
        ("code".to_owned(), json!("MODULE_NOT_FOUND")),
    ]))
}

/// Bytes of one file.
const LARGEST: u64 = 2 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = folder.path().join("modules").join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        fs::write(folder.path().join("secret.js"), "secret").unwrap();
        write(
            "package.json",
            r#"{"dependencies": {"plain": "1", "@scope/named": "1", "exporting": "1", "linked": "1"}}"#,
        );
        write("node_modules/plain/package.json", r#"{"main": "lib/main"}"#);
        write("node_modules/plain/lib/main.js", "main");
        write("node_modules/plain/data.json", "{}");
        write("node_modules/plain/node_modules/inner/index.js", "inner of plain");
        write("node_modules/inner/index.js", "inner of all");
        write("node_modules/@scope/named/index.js", "named");
        write(
            "node_modules/exporting/package.json",
            r#"{"exports": {".": {"import": "./no.mjs", "require": "./yes.js"}, "./part": "./parts/one.js"}}"#,
        );
        write("node_modules/exporting/yes.js", "yes");
        write("node_modules/exporting/parts/one.js", "one");
        write("node_modules/linked/package.json", "{}");
        symlink(folder.path().join("secret.js"), folder.path().join("modules/node_modules/linked/index.js"))
            .unwrap();
        folder
    }

    fn find(folder: &tempfile::TempDir, from: &str, name: &str) -> Result<String, String> {
        let found = Search { folder: &folder.path().join("modules") }.find(from, name);
        found.map(|found| found["text"].as_str().unwrap().to_owned()).map_err(|error| error.to_string())
    }

    #[test]
    fn packages_are_found_as_commonjs_finds_them() {
        let folder = folder();
        let find = |from: &str, name: &str| find(&folder, from, name);
        assert_eq!(find("", "plain").unwrap(), "main");
        assert_eq!(find("", "plain/data.json").unwrap(), "{}");
        assert_eq!(find("", "plain/data").unwrap(), "{}");
        assert_eq!(find("", "@scope/named").unwrap(), "named");
        assert_eq!(find("", "exporting").unwrap(), "yes");
        assert_eq!(find("", "exporting/part").unwrap(), "one");
        assert_eq!(find("node_modules/plain/lib", "inner").unwrap(), "inner of plain");
        assert_eq!(find("node_modules/@scope/named", "inner").unwrap(), "inner of all");
        assert_eq!(find("node_modules/plain/lib", "../data").unwrap(), "{}");
        assert!(
            find("", "inner").unwrap_err().contains("npm install"),
            "a package of packages is not a script's"
        );
    }

    #[test]
    fn js_07_no_name_and_no_link_leads_out_of_the_folder() {
        let folder = folder();
        for (from, name) in [
            ("", "../secret.js"),
            ("", "../../etc/passwd"),
            ("", "/etc/passwd"),
            ("", "plain/../../../secret.js"),
            ("", "plain/../../package.json"),
            ("node_modules/plain", "../../../secret"),
            ("node_modules/plain", "../../package.json"),
            ("../", "plain"),
            ("/", "plain"),
            ("", "linked"),
            ("", "..%2fsecret"),
            ("", ""),
            ("", "@"),
            ("", "@/../.."),
        ] {
            let refusal = find(&folder, from, name).unwrap_err();
            assert!(refusal.contains("Cannot find module"), "{from} {name}: {refusal}");
        }
    }
}
