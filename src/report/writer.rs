//! The one place that writes reports to disk.

use std::ffi::OsStr;
use std::fmt;
use std::io::{BufWriter, IntoInnerError, Write};
use std::path::{Component, Path, PathBuf};

use super::junit::{self, LexCases};
use super::{github, html, json, markdown};
use crate::outcome::RunSummary;

/// When reports are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Before the end: what has not ended stands as an error.
    Meanwhile,
    /// At the end.
    End,
}

/// A report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Report {
    /// For programs.
    Json,
    /// For an artifact.
    Html,
    /// For the host.
    Junit,
}

impl Report {
    /// All, in the order in which they are written. What hosts read comes last: where the process is killed in
    /// between, it is not the greener one.
    pub const ALL: [Self; 3] = [Self::Json, Self::Html, Self::Junit];
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Json => "JSON",
            Self::Html => "HTML",
            Self::Junit => "JUnit",
        })
    }
}

/// Where reports go.
#[derive(Debug, Clone, Default)]
pub struct Outputs {
    /// JUnit XML.
    pub junit: Option<PathBuf>,
    /// What it holds of Lex test sets.
    pub junit_lex: LexCases,
    /// JSON.
    pub json: Option<PathBuf>,
    /// HTML.
    pub html: Option<PathBuf>,
    /// The Markdown summary, written once, at the end.
    pub summary: Option<Summary>,
    /// What GitHub hands on to the later steps of the job.
    pub step_outputs: Option<StepOutputs>,
}

/// Where GitHub reads the outputs of a step.
#[derive(Debug, Clone)]
pub struct StepOutputs {
    /// The file.
    pub path: PathBuf,
    /// What ends a value there: nobody must be able to foresee it.
    pub delimiter: String,
    /// What later steps of the job call a file.
    pub place: fn(&Path) -> String,
}

/// Where the Markdown summary goes.
#[derive(Debug, Clone)]
pub enum Summary {
    /// Behind what other steps of a job have written there.
    Append(PathBuf),
    /// In a file of its own.
    Replace(PathBuf),
}

impl Summary {
    fn path(&self) -> &PathBuf {
        match self {
            Self::Append(path) | Self::Replace(path) => path,
        }
    }

    fn write(&self, summary: &RunSummary) -> std::io::Result<()> {
        match self {
            Self::Append(path) => {
                let mut file = append_to(path)?;
                let before = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
                // A blank line ends whatever another step has left open.
                let behind = if before > 0 { "\n\n" } else { "" };
                let text = markdown::render(summary, before);
                file.write_all(format!("{behind}{text}").as_bytes())
            }
            Self::Replace(path) => {
                put(path, |to| to.write_all(markdown::render(summary, 0).as_bytes()))
            }
        }
    }

    /// Finds out whether it can be written. What replaces another is written as it stands: nothing of an
    /// earlier run is to stay.
    fn begin(&self, summary: &RunSummary) -> std::io::Result<()> {
        match self {
            Self::Append(path) => append_to(path).map(drop),
            Self::Replace(path) if is_stream(path) => Ok(()),
            Self::Replace(_) => self.write(summary),
        }
    }
}

impl Outputs {
    fn paths(&self) -> impl Iterator<Item = &Path> {
        let summary = self.summary.as_ref().map(Summary::path);
        let reports = self.junit.iter().chain(&self.json).chain(&self.html);
        let handed_on = self.step_outputs.as_ref().map(|to| &to.path);
        reports.chain(summary).chain(handed_on).map(PathBuf::as_path)
    }

    /// The reports that there are, for a person: JUnit with its parts.
    pub fn describe(&self) -> Vec<String> {
        let junit = self.junit.iter().map(|path| match parts_beside(path).count() {
            0 => path.display().to_string(),
            more => format!("{} and {more} more parts of it", path.display()),
        });
        let others = self.json.iter().chain(&self.html);
        let others = others.chain(self.summary.as_ref().map(Summary::path));
        junit.chain(others.map(|path| path.display().to_string())).collect()
    }

    /// Whether a report goes to stdout.
    pub fn use_stdout(&self) -> bool {
        self.paths().any(|path| std_stream(path) == Some(StdStream::Out))
    }

    /// Hands on what is known to the later steps of the job. May be called again: the last word counts.
    ///
    /// # Errors
    ///
    /// A sentence that says what kept it from being handed on.
    pub fn hand_on(&self, summary: &RunSummary) -> Result<(), String> {
        let Some(StepOutputs { path, delimiter, place }) = &self.step_outputs else {
            return Ok(());
        };
        let files = |files: Vec<PathBuf>| {
            let files = files.iter().filter(|file| !is_stream(file));
            files.map(|file| place(file)).collect::<Vec<_>>().join("\n")
        };
        let junit = self.junit.iter().flat_map(|path| {
            let mut parts: Vec<_> = parts_beside(path).collect();
            parts.sort();
            std::iter::once(path.clone()).chain(parts.into_iter().map(|(_, path)| path))
        });
        let one = |path: &Option<PathBuf>| files(path.iter().cloned().collect());
        let reports = [
            ("junit", files(junit.collect())),
            ("json", one(&self.json)),
            ("html", one(&self.html)),
        ];
        let text = github::outputs(summary, &reports, delimiter);
        append_to(path).and_then(|mut file| file.write_all(text.as_bytes())).map_err(|error| {
            format!("failed to write the outputs of the step to {}: {error}", path.display())
        })
    }

    /// Says which report would take the place of another, or of one of the files that are read.
    pub fn clash(&self, inputs: &[PathBuf]) -> Option<String> {
        let mut taken: Vec<PathBuf> = inputs.iter().map(|input| identity(input)).collect();
        for path in self.paths().filter(|path| !is_stream(path)) {
            let path_identity = identity(path);
            if taken.contains(&path_identity) {
                return Some(format!("two things are to be in {}", path.display()));
            }
            taken.push(path_identity);
        }
        // Its parts are written, and taken away, by their names.
        let junit = self.junit.as_ref().map(|path| identity(path))?;
        let folder = junit.parent();
        let part = taken.iter().find(|path| {
            let name = path.file_name().and_then(OsStr::to_str);
            path.parent() == folder && name.and_then(|name| part_number(&junit, name)).is_some()
        })?;
        Some(format!("{} is to be a part of the JUnit report", part.display()))
    }

    /// Says which report would lie in a folder that is not for reports.
    pub fn lies_in(&self, folder: &Path) -> Option<String> {
        let folder = identity(folder);
        let path = self.paths().find(|path| identity(path).parent() == Some(&folder))?;
        Some(format!("{} is to be among the journals", path.display()))
    }

    /// The same, but for the reports.
    pub fn without_reports(&self) -> Self {
        Self { step_outputs: self.step_outputs.clone(), ..Self::default() }
    }

    /// Writes all there is of a run that is over before it began. Gives a sentence for each that could not
    /// be written.
    pub fn write_all(&self, summary: &RunSummary) -> Vec<String> {
        let mut problems = self.write(summary, Moment::End).err().unwrap_or_default();
        problems.extend(self.hand_on(summary).err());
        problems.extend(self.summarize(summary).err());
        problems.extend(self.write_streams(summary));
        problems
    }

    /// Writes every report that goes to a file. One that cannot be written does not keep the others from
    /// being.
    ///
    /// # Errors
    ///
    /// A sentence for each report that could not be written.
    pub fn write(&self, summary: &RunSummary, moment: Moment) -> Result<(), Vec<String>> {
        let to_files = Report::ALL.into_iter().filter(|report| !self.is_stream(*report));
        let problems: Vec<String> =
            to_files.filter_map(|report| self.write_one(report, summary, moment).err()).collect();
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    /// Whether a report goes to a pipe or a device.
    pub fn is_stream(&self, report: Report) -> bool {
        self.path_of(report).is_some_and(|path| is_stream(path))
    }

    /// Writes a report that goes to a pipe or a device; to be called once, after all else: it cannot be taken
    /// back, and whoever reads it may take his time, or be gone.
    ///
    /// # Errors
    ///
    /// A sentence that says what kept it from being written.
    pub fn write_stream(&self, report: Report, summary: &RunSummary) -> Result<(), String> {
        self.write_one(report, summary, Moment::End)
    }

    /// Writes all of those. Gives a sentence for each that could not be written.
    pub fn write_streams(&self, summary: &RunSummary) -> Vec<String> {
        let streams = Report::ALL.into_iter().filter(|report| self.is_stream(*report));
        streams.filter_map(|report| self.write_stream(report, summary).err()).collect()
    }

    fn path_of(&self, report: Report) -> Option<&PathBuf> {
        match report {
            Report::Json => self.json.as_ref(),
            Report::Html => self.html.as_ref(),
            Report::Junit => self.junit.as_ref(),
        }
    }

    fn write_one(&self, report: Report, summary: &RunSummary, at: Moment) -> Result<(), String> {
        let Some(path) = self.path_of(report) else { return Ok(()) };
        let lex = match at {
            Moment::Meanwhile => LexCases::Set,
            Moment::End => self.junit_lex,
        };
        let written = match report {
            Report::Json => put(path, |to| json::write(summary, to)),
            Report::Html => put(path, |to| html::write(summary, to)),
            Report::Junit => put_parts(path, summary, lex),
        };
        written.map_err(|error| {
            format!("failed to write the {report} report to {}: {error}", path.display())
        })
    }

    /// Finds out whether the summary can be written in the end.
    ///
    /// # Errors
    ///
    /// A sentence that says why not.
    pub fn begin_summary(&self, summary: &RunSummary) -> Result<(), String> {
        let Some(to) = &self.summary else { return Ok(()) };
        to.begin(summary).map_err(|error| no_summary(to, &error))
    }

    /// Writes the Markdown summary: once, unless it has turned out to be greener than the truth. Then, where the
    /// first cannot be taken back, another follows it.
    ///
    /// # Errors
    ///
    /// A sentence that says what kept it from being written.
    pub fn summarize(&self, summary: &RunSummary) -> Result<(), String> {
        let Some(to) = &self.summary else { return Ok(()) };
        to.write(summary).map_err(|error| no_summary(to, &error))
    }
}

fn no_summary(to: &Summary, error: &std::io::Error) -> String {
    format!("failed to write the summary to {}: {error}", to.path().display())
}

fn append_to(path: &Path) -> std::io::Result<std::fs::File> {
    std::fs::OpenOptions::new().create(true).append(true).open(path)
}

/// Puts the JUnit report in its place, in parts where it has many cases, and takes away parts that
/// an earlier run has left. The first part, which holds every verdict, comes last: until it does,
/// the one from before is there.
fn put_parts(path: &Path, summary: &RunSummary, lex: LexCases) -> std::io::Result<()> {
    let most = if is_stream(path) { usize::MAX } else { junit::MOST_CASES };
    let put = |path: &Path, part: &junit::Part| put(path, |to| part.write(to));
    let mut parts = junit::parts(summary, lex, most);
    let first = parts.next();
    let mut count = 1;
    for part in parts {
        count += 1;
        put(&part_path(path, count), &part)?;
    }
    if let Some(first) = &first {
        put(path, first)?;
    }
    for stale in parts_beside(path).filter(|(number, _)| *number > count) {
        std::fs::remove_file(stale.1)?;
    }
    Ok(())
}

/// Where a part goes, from the second on: `junit.part2.xml` beside `junit.xml`.
fn part_path(path: &Path, number: usize) -> PathBuf {
    let (stem, extension) = name_of(path);
    path.with_file_name(format!("{stem}.part{number}{extension}"))
}

/// The parts that lie beside a report, with their numbers.
fn parts_beside(path: &Path) -> impl Iterator<Item = (usize, PathBuf)> + '_ {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let entries = std::fs::read_dir(folder.unwrap_or(Path::new("."))).into_iter().flatten();
    entries.flatten().filter_map(move |entry| {
        Some((part_number(path, entry.file_name().to_str()?)?, entry.path()))
    })
}

/// The number of the part of a report that a file's name is; none where it is no part's.
fn part_number(path: &Path, name: &str) -> Option<usize> {
    let (stem, extension) = name_of(path);
    let number = name.strip_prefix(&stem)?.strip_prefix(".part")?;
    number.strip_suffix(&extension)?.parse().ok()
}

/// A file's name before its extension, and the extension with its dot.
fn name_of(path: &Path) -> (String, String) {
    let text =
        |part: Option<&std::ffi::OsStr>| part.map(|part| part.to_string_lossy().into_owned());
    let extension = text(path.extension()).map(|extension| format!(".{extension}"));
    (text(path.file_stem()).unwrap_or_default(), extension.unwrap_or_default())
}

/// Whether a path is a device or a pipe, or an open file such as /dev/stdout: written to, never replaced.
fn is_stream(path: &Path) -> bool {
    let is_open = std_stream(path).is_some()
        || path.starts_with("/dev/fd")
        || path.starts_with("/proc") && path.components().any(|part| part.as_os_str() == "fd");
    is_open || std::fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir())
}

/// A stream of this process that has a name as if it were a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum StdStream {
    Out,
    Err,
}

fn std_stream(path: &Path) -> Option<StdStream> {
    match path.to_str()? {
        "/dev/stdout" | "/dev/fd/1" | "/proc/self/fd/1" => Some(StdStream::Out),
        "/dev/stderr" | "/dev/fd/2" | "/proc/self/fd/2" => Some(StdStream::Err),
        _ => None,
    }
}

/// A path by which two names of one file are known to be one, whether it is there yet or not.
pub fn identity(path: &Path) -> PathBuf {
    let mut real = PathBuf::new();
    for part in std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).components() {
        match part {
            Component::ParentDir => drop(real.pop()),
            Component::CurDir => {}
            part => real.push(part),
        }
        // A link first: what is above it is above what it leads to.
        real = std::fs::canonicalize(&real).unwrap_or(real);
    }
    real
}

/// Puts what `content` writes in the place of a file in one step, so that whoever reads it, or kills
/// this process, never finds half of it. Missing folders are made, and links followed.
///
/// # Errors
///
/// It cannot be written; then the file is as it was.
pub fn put(
    path: &Path,
    content: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
) -> std::io::Result<()> {
    if is_stream(path) {
        // Opened by its name, it would be written from its beginning, over what is there and under what
        // comes.
        return match std_stream(path) {
            Some(StdStream::Out) => content(&mut std::io::stdout().lock()),
            Some(StdStream::Err) => content(&mut std::io::stderr().lock()),
            None => content(&mut append_to(path)?),
        };
    }
    let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    std::fs::create_dir_all(folder)?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(".callcheck-").suffix(".tmp");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // As a plain file would have it: a later step of the job may run as another user.
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let mut file = BufWriter::new(builder.tempfile_in(folder)?);
    content(&mut file)?;
    let file = file.into_inner().map_err(IntoInnerError::into_error)?;
    file.persist(&path).map_err(|error| error.error)?;
    Ok(())
}
