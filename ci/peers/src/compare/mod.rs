//! Runs dl and the others in turn, several times, and compares.

mod machine;
mod plan;
mod samples;
mod table;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::{env, io};

use clap::Args;
use serde_json::{Value, json};

use crate::Outcome;
use plan::{Program, Row, Scale};
use samples::Samples;

#[derive(Args)]
pub(crate) struct Compare {
    /// Only these works
    names: Vec<String>,
    /// The program dl
    #[arg(long)]
    dl: PathBuf,
    /// An existing directory for everyone to work in
    #[arg(long)]
    directory: PathBuf,
    /// A namespace on a cluster: measures there, beside Java DistributedLog, and nothing else
    #[arg(long, value_name = "URI", requires = "java")]
    cluster: Option<String>,
    /// A file with the command that runs Java, a word a line
    #[arg(long)]
    java: Option<PathBuf>,
    /// How often everything is run
    #[arg(long, default_value = "5")]
    rounds: usize,
    /// How long most works are measured each time, in seconds; some take three or six times as long
    #[arg(long, default_value = "10")]
    seconds: f64,
    /// How many logs a namespace with many has
    #[arg(long, default_value = "100000")]
    logs: u64,
    /// What was built, in words
    #[arg(long, default_value = "dl")]
    about: String,
    /// Where the table and the figures go: table.md and figures.json
    #[arg(long)]
    output: PathBuf,
    /// Prints the figures instead of the table
    #[arg(long)]
    json: bool,
}

/// What everyone answered, by what was asked, an answer for each round.
type Answers = BTreeMap<Vec<String>, Vec<Value>>;

impl Compare {
    pub(crate) fn run(self) -> Outcome<()> {
        let scale = Scale { seconds: self.seconds, logs: self.logs };
        let rows = match &self.cluster {
            Some(uri) => plan::cluster_rows(&scale, uri),
            None => plan::rows(&scale),
        };
        let rows = self.chosen(rows)?;
        let mut answers = Answers::new();
        for round in 0..self.rounds {
            for row in &rows {
                self.row(round, row, &mut answers)?;
            }
        }
        let lines: Vec<_> = rows.iter().map(|row| row.lines(&answers)).collect::<Outcome<Vec<_>>>()?.concat();
        let head = self.head()?;
        let table = table::markdown(&head, &lines);
        let figures = json!({
            "about": head,
            "lines": lines.iter().map(table::Line::object).collect::<Vec<_>>(),
            "runs": answers.iter().map(|(asked, runs)| json!({ "asked": asked, "runs": runs })).collect::<Vec<_>>(),
        });
        fs::create_dir_all(&self.output)?;
        fs::write(self.output.join("table.md"), &table)?;
        fs::write(self.output.join("figures.json"), format!("{figures:#}\n"))?;
        if self.json {
            println!("{figures}")
        } else {
            print!("{table}")
        }
        Ok(())
    }

    fn chosen(&self, rows: Vec<Row>) -> Outcome<Vec<Row>> {
        let known: Vec<_> = rows.iter().map(|row| row.name).collect();
        if let Some(unknown) = self.names.iter().find(|name| !known.contains(&name.as_str())) {
            let mut known = known;
            known.dedup();
            return Err(format!("no work is called {unknown}; there are {}", known.join(", ")).into());
        }
        let wanted = |row: &Row| self.names.is_empty() || self.names.iter().any(|name| name == row.name);
        Ok(rows.into_iter().filter(wanted).collect())
    }

    /// Runs whoever takes part, each round beginning with another.
    fn row(&self, round: usize, row: &Row, answers: &mut Answers) -> Outcome<()> {
        let mut programs = row.programs();
        let first = round % programs.len();
        programs.rotate_left(first);
        for program in programs {
            let runs = answers.entry(program.asked()).or_default();
            // Two rows may ask for the same; once a round is enough.
            if runs.len() == round {
                eprintln!("round {} of {}: {}", round + 1, self.rounds, program.asked().join(" "));
                runs.push(self.ask(program)?);
            }
        }
        Ok(())
    }

    fn ask(&self, program: &Program) -> Outcome<Value> {
        // What the one before left to be written is not to be written in the time of the next.
        Command::new("sync").status()?;
        let mut command = match program {
            Program::Dl(arguments) => {
                let mut command = Command::new(&self.dl);
                command.arg("bench").args(arguments).arg("--json");
                command.env_remove("DL_NAMESPACE").env("TMPDIR", &self.directory);
                command
            }
            Program::Java(arguments) => {
                let words = fs::read_to_string(self.java.as_ref().ok_or("no command runs Java")?)?;
                let mut words = words.lines();
                let mut command = Command::new(words.next().ok_or("the command that runs Java is empty")?);
                command.args(words).args(arguments);
                command
            }
            Program::Peer(arguments) => {
                let mut command = Command::new(env::current_exe()?);
                command.args(arguments).arg("--directory").arg(&self.directory);
                command
            }
        };
        let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output()?;
        if !output.status.success() {
            let asked = program.asked().join(" ");
            return Err(io::Error::other(format!("{asked} failed: {}", output.status)).into());
        }
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    /// What was measured, where and how, a line each.
    fn head(&self) -> Outcome<Vec<String>> {
        let beside = match self.cluster {
            Some(_) => "Java DistributedLog 4.18.0, on the same three bookies".to_owned(),
            None => machine::versions()?,
        };
        let mut head = vec![format!("{}; beside it {beside}", self.about)];
        head.push(machine::describe(&self.directory)?);
        head.push(format!(
            "medians (least to most) of {} rounds, in each of which everyone ran once; ratios are taken within a round; \
             {} s a run at the base",
            self.rounds, self.seconds
        ));
        Ok(head)
    }
}

/// What was found under `pointer` in each answer to the same question.
fn found(answers: &Answers, program: &Program, pointer: &str) -> Outcome<Samples> {
    let runs = answers.get(&program.asked()).ok_or("it was not run")?;
    let number = |run: &Value| run.pointer(pointer).and_then(Value::as_f64).ok_or("a figure is missing");
    Ok(Samples::new(runs.iter().map(number).collect::<Result<_, _>>()?))
}
