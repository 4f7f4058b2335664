//! What the bench is asked to do.

use std::path::PathBuf;

pub(crate) const HELP: &str = "\
Measures factum beside what the machine can do without it.

cargo bench -p factum --bench durable -- [options]

  --quick         all rows at small sizes, in less than a minute
  --check         exit code 1 also if a row falls short of its target, and not only if one that was asked for
                  could not be measured
  --json          a line of JSON for each row and round, and for each row that could not be measured, and nothing
                  else, on stdout
  --markdown      the table as Markdown
  --only <text>   only rows whose name or key contains this; may be given again
  --rounds <n>    so many rounds of everything
  --dir <dir>     where to write; what is there below `factum-bench` is removed. Should be on the disk
                  that is to be measured [default: target/bench]
  --list          the rows, with their keys
  --help          this
";

#[derive(Debug, Clone, Default)]
pub(crate) struct Args {
    pub(crate) quick: bool,
    pub(crate) check: bool,
    pub(crate) json: bool,
    pub(crate) markdown: bool,
    pub(crate) list: bool,
    pub(crate) help: bool,
    pub(crate) only: Vec<String>,
    pub(crate) rounds: Option<usize>,
    pub(crate) dir: Option<PathBuf>,
}

impl Args {
    /// # Errors
    /// A text that says what is wrong with them.
    pub(crate) fn parse(words: impl IntoIterator<Item = String>) -> Result<Args, String> {
        let mut args = Args::default();
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("`{word}` wants a value"));
            match word.as_str() {
                // Cargo says so to every bench.
                "--bench" => {}
                "--quick" => args.quick = true,
                "--check" => args.check = true,
                "--json" => args.json = true,
                "--markdown" => args.markdown = true,
                "--list" => args.list = true,
                "--help" | "-h" => args.help = true,
                "--only" => args.only.push(value()?),
                "--dir" => args.dir = Some(value()?.into()),
                "--rounds" => {
                    let text = value()?;
                    let rounds = text.parse().ok().filter(|rounds| *rounds > 0);
                    args.rounds = Some(rounds.ok_or_else(|| format!("`{text}` is no number of rounds"))?);
                }
                _ => return Err(format!("`{word}` is not known")),
            }
        }
        if args.json && args.markdown {
            return Err("`--json` and `--markdown` are two forms of one output".to_owned());
        }
        Ok(args)
    }

    pub(crate) fn wants(&self, key: &str, name: &str) -> bool {
        let holds = |only: &String| key.contains(only.as_str()) || name.contains(only.as_str());
        self.only.is_empty() || self.only.iter().any(holds)
    }
}
