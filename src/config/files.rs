//! The one module that touches files. Every error names the path.

use std::{
    fmt, fs,
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

/// What could not be done with which file.
#[derive(Debug)]
pub struct FileError {
    pub path: PathBuf,
    verb: &'static str,
    source: io::Error,
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} cannot be {}: {}", self.path.display(), self.verb, self.source)
    }
}

impl FileError {
    /// The fault is in what the file holds, not in the way to it.
    pub fn is_content(&self) -> bool {
        matches!(self.source.kind(), io::ErrorKind::InvalidData | io::ErrorKind::FileTooLarge)
    }
}

impl std::error::Error for FileError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

fn failed(path: &Path, verb: &'static str) -> impl FnOnce(io::Error) -> FileError {
    let path = path.to_owned();
    move |source| FileError { path, verb, source }
}

/// A directory of the user's, by XDG's variable or below the home; `None` without a home.
pub fn xdg(variable: &str, below_home: &str) -> Option<PathBuf> {
    let named = std::env::var_os(variable).map(PathBuf::from).filter(|p| p.is_absolute());
    named.or_else(|| std::env::home_dir().map(|home| home.join(below_home)))
}

/// # Errors
/// Absent, unreadable, or not UTF-8.
pub fn read_text(path: &Path) -> Result<String, FileError> {
    fs::read_to_string(path).map_err(failed(path, "read"))
}

/// The text of a file that may be absent and must not be long.
///
/// # Errors
/// Unreadable, not UTF-8, or longer than `longest` bytes.
pub fn read_small(path: &Path, longest: u64) -> Result<Option<String>, FileError> {
    let read = || -> io::Result<String> {
        let mut text = String::new();
        fs::File::open(path)?.take(longest + 1).read_to_string(&mut text)?;
        if u64::try_from(text.len()).is_ok_and(|n| n <= longest) {
            return Ok(text);
        }
        Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it is longer than {longest} bytes")))
    };
    match read() {
        Ok(text) => Ok(Some(text)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(failed(path, "read")(e)),
    }
}

/// Moves a damaged file out of the way, over what was set aside before; where to.
///
/// # Errors
/// It cannot be moved.
pub fn set_aside(path: &Path) -> Result<PathBuf, FileError> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".damaged");
    let aside = path.with_file_name(name);
    fs::rename(path, &aside).map_err(failed(path, "set aside"))?;
    Ok(aside)
}

/// A file that begins as UTF-16 and has an odd number of bytes: kube's own reader panics on it. What cannot be read is
/// no such file; its reader says why.
pub fn is_half_utf16(path: &Path) -> bool {
    let bytes = fs::read(path).unwrap_or_default();
    (bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff])) && bytes.len() % 2 == 1
}

/// All files below a folder, by their paths relative to it, in order. Links are followed; hidden files are left out.
///
/// # Errors
/// What cannot be read, and what is not UTF-8.
pub fn read_tree(root: &Path) -> Result<Vec<(PathBuf, String)>, FileError> {
    let mut files = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(failed(&folder, "read"))? {
            let entry = entry.map_err(failed(&folder, "read"))?;
            if entry.file_name().as_encoded_bytes().starts_with(b".") {
                continue;
            }
            let path = entry.path();
            if fs::metadata(&path).map_err(failed(&path, "read"))?.is_dir() {
                folders.push(path);
            } else {
                let text = read_text(&path)?;
                files.push((path.strip_prefix(root).unwrap_or(&path).to_owned(), text));
            }
        }
    }
    files.sort();
    Ok(files)
}

/// Writes a whole file or none of it: beside it first, then in its place. Makes the folder.
///
/// # Errors
/// The folder or file cannot be written; what was there before is unharmed then.
pub fn write_atomic(path: &Path, text: &str) -> Result<(), FileError> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(failed(folder, "made"))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    // No two writers share it, in whatever process or thread.
    let writer = format!("{}-{:?}", std::process::id(), std::thread::current().id());
    let beside = folder.join(format!(".{name}.{writer}.new"));
    let write = || -> io::Result<()> {
        let mut file = fs::File::create(&beside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&beside, path)
    };
    write().map_err(|e| {
        // A leftover is worse than nothing; that it cannot be removed changes nothing of the error.
        _ = fs::remove_file(&beside);
        failed(path, "written")(e)
    })
}

/// A file that only grows.
pub type Appended = fs::File;

/// Opens a file to append to, for its owner alone. Makes the folder.
///
/// # Errors
/// The folder or file cannot be made.
pub fn append(path: &Path) -> Result<Appended, FileError> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed(folder, "made"))?;
    }
    let mut options = fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(failed(path, "opened"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_written_whole_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b.txt");
        write_atomic(&path, "one").unwrap();
        write_atomic(&path, "two").unwrap();
        assert_eq!(read_text(&path).unwrap(), "two");
        let tree = read_tree(dir.path()).unwrap();
        assert_eq!(tree, [(PathBuf::from("a/b.txt"), "two".to_owned())]);
        // A folder stands where the file should go.
        let error = write_atomic(&dir.path().join("a"), "x").unwrap_err().to_string();
        assert!(error.contains("a cannot be written"), "{error}");
        assert_eq!(read_tree(dir.path()).unwrap().len(), 1, "no leftover");
    }

    #[test]
    fn errors_name_the_path() {
        let error = read_text(Path::new("/nowhere/x.toml")).unwrap_err().to_string();
        assert!(error.starts_with("/nowhere/x.toml cannot be read: "), "{error}");
    }
}
