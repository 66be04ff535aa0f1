//! Code that is too long to be read in a chat: which code is, and the file that it becomes.

use super::chars::is_blank;
use super::utf16_len;

/// Code of more lines is scrolled through and not read.
const MOST_LINES: usize = 50;
/// So many UTF-16 code units fill three quarters of a message.
const MOST_UNITS: usize = 3_000;

/// What becomes of code that is too long to be read in a chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LongCode {
    /// It stands in the text as all code does.
    InText,
    /// It is a file of its own, and a line of the text says so.
    Apart,
}

/// A block of code that is a file of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeFile {
    /// Its name, with the extension of its language.
    pub name: String,
    /// The code as it was written; it ends with a line feed.
    pub code: String,
}

/// The files of a text, in their order.
#[derive(Debug)]
pub(super) struct CodeFiles {
    long_code: LongCode,
    files: Vec<CodeFile>,
}

impl CodeFiles {
    pub(super) fn new(long_code: LongCode) -> Self {
        Self {
            long_code,
            files: Vec::new(),
        }
    }

    pub(super) fn into_files(self) -> Vec<CodeFile> {
        self.files
    }

    /// Takes code that is too long for the text; its name, and what the text says behind it.
    pub(super) fn take(&mut self, code: &str, language: Option<&str>) -> Option<(String, String)> {
        let code = code.trim_matches('\n');
        let lines = code.lines().count();
        let is_long = lines > MOST_LINES || utf16_len(code) > MOST_UNITS;
        if self.long_code == LongCode::InText || !is_long || is_blank(code) {
            return None;
        }
        let extension = language.map_or("txt", extension);
        let name = match self.files.len() {
            0 => format!("code.{extension}"),
            before => format!("code-{}.{extension}", before + 1),
        };
        let size = match lines {
            1 => "1 line".to_owned(),
            _ => format!("{lines} lines"),
        };
        let said = format!(" ({size}) follows as a file");
        let (code, called) = (format!("{code}\n"), name.clone());
        self.files.push(CodeFile { name, code });
        Some((called, said))
    }
}

/// The extension for the name behind a fence; what nothing is known of is text.
fn extension(language: &str) -> &'static str {
    let language = language.to_lowercase();
    // Some write the file's name there.
    let known_by = language.rsplit('.').next().unwrap_or_default();
    EXTENSIONS
        .iter()
        .find(|(extension, names)| *extension == known_by || names.contains(&known_by))
        .map_or("txt", |(extension, _)| extension)
}

/// Extensions, each with the names of languages that are not the extension itself.
const EXTENSIONS: [(&str, &[&str]); 57] = [
    ("asm", &["assembly", "nasm"]),
    ("c", &[]),
    ("clj", &["clojure"]),
    ("conf", &["nginx", "apache"]),
    ("cpp", &["c++", "cc", "cxx"]),
    ("cs", &["c#", "csharp"]),
    ("css", &[]),
    ("csv", &[]),
    ("dart", &[]),
    ("diff", &[]),
    ("dockerfile", &["docker"]),
    ("ex", &["elixir", "exs"]),
    ("erl", &["erlang"]),
    ("f90", &["fortran"]),
    ("fs", &["f#", "fsharp"]),
    ("go", &["golang"]),
    ("gradle", &["groovy"]),
    ("graphql", &["gql"]),
    ("h", &[]),
    ("hpp", &[]),
    ("hs", &["haskell"]),
    ("html", &["htm"]),
    ("ini", &[]),
    ("java", &[]),
    ("jl", &["julia"]),
    ("js", &["javascript", "node", "mjs"]),
    ("json", &["jsonc", "json5"]),
    ("jsx", &[]),
    ("kt", &["kotlin"]),
    ("lua", &[]),
    ("md", &["markdown"]),
    ("mk", &["make", "makefile"]),
    ("ml", &["ocaml"]),
    ("nix", &[]),
    ("patch", &[]),
    ("php", &[]),
    ("pl", &["perl"]),
    ("proto", &["protobuf"]),
    ("ps1", &["powershell", "pwsh"]),
    ("py", &["python", "python3"]),
    ("r", &[]),
    ("rb", &["ruby"]),
    ("rs", &["rust"]),
    ("scala", &[]),
    ("sh", &["bash", "shell", "zsh", "console"]),
    ("sql", &["sqlite", "postgresql", "mysql"]),
    ("svg", &[]),
    ("swift", &[]),
    ("tex", &["latex"]),
    ("tf", &["hcl", "terraform"]),
    ("toml", &[]),
    ("ts", &["typescript"]),
    ("tsx", &[]),
    ("vue", &[]),
    ("xml", &[]),
    ("yaml", &["yml"]),
    ("zig", &[]),
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::core::markup::{Style, render_apart, render_unfinished_apart};

    fn taken(code: &str, language: Option<&str>) -> Option<String> {
        let taken = CodeFiles::new(LongCode::Apart).take(code, language);
        taken.map(|(name, said)| name + &said)
    }

    #[test]
    fn code_at_the_bound_stays_and_a_line_or_a_character_more_goes() {
        let lines = |count: usize| vec!["x = 1"; count].join("\n") + "\n";
        assert_eq!(taken(&lines(MOST_LINES), None), None);
        let words = "code.txt (51 lines) follows as a file";
        assert_eq!(taken(&lines(MOST_LINES + 1), None).unwrap(), words);
        assert_eq!(taken(&"é".repeat(MOST_UNITS), None), None);
        let long = "é".repeat(MOST_UNITS + 1);
        let words = "code.py (1 line) follows as a file";
        assert_eq!(taken(&long, Some("Python")).unwrap(), words);
        assert_eq!(CodeFiles::new(LongCode::InText).take(&long, None), None);
        assert_eq!(taken(&" \n".repeat(80), None), None, "nothing to see");
    }

    #[test]
    fn the_text_names_the_file_while_it_grows_too() {
        let code = "\tx = 1\n".repeat(60);
        let growing = format!("- Here:\n\n```sh\n{code}");
        let said = "📎 code.sh (60 lines) follows as a file";
        let shown = render_unfinished_apart(&growing);
        assert!(shown.text.ends_with(said), "{}", shown.text);
        let (text, files) = render_apart(&format!("{growing}```\n"));
        assert!(text.text.ends_with(said), "{}", text.text);
        assert_eq!(files.len(), 1);
        // A client would make an address of the name.
        let name = &text.spans[0];
        assert_eq!(
            (&text.text[name.start..name.end], &name.style),
            ("code.sh", &Style::Code)
        );
    }

    #[test]
    fn a_file_is_called_after_its_language() {
        for (language, found) in [
            ("rust", "rs"),
            ("Rust", "rs"),
            ("C++", "cpp"),
            ("main.rs", "rs"),
            ("docker", "dockerfile"),
            ("sh", "sh"),
            ("exe", "txt"),
            ("", "txt"),
        ] {
            assert_eq!(extension(language), found, "{language}");
        }
    }
}
