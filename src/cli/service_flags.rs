//! The flags of `run` that say how the service is started and supervised, made from the table of options.

use clap::{Arg, ArgAction, ArgMatches, Args, Command, Error, FromArgMatches};

use crate::model::run::{OPTIONS, OptionGroup, RunOption, RunOptions, Shape};

/// The options that were typed, with their values.
#[derive(Clone, Debug, Default)]
pub(crate) struct ServiceFlags {
    typed: Vec<(&'static RunOption, Vec<String>)>,
}

/// The options that `-h` shows too; `--help` shows all.
const COMMON: [&str; 4] = ["init", "stop_timeout", "user", "env"];

fn heading(group: OptionGroup) -> &'static str {
    match group {
        OptionGroup::Service => "Service",
        OptionGroup::Signals => "Signals and leftover processes (with --init)",
        OptionGroup::Privileges => "Privileges of the service",
    }
}

impl ServiceFlags {
    /// Adds an option as if it had been typed.
    fn push(&mut self, name: &str, values: &[&str]) {
        let values = values.iter().map(|&value| value.to_owned()).collect();
        self.typed.extend(RunOption::find(name).map(|option| (option, values)));
    }

    /// Sets what was typed.
    ///
    /// # Errors
    /// Names the flag, and says what was expected.
    pub(crate) fn set(&self, options: &mut RunOptions) -> Result<(), String> {
        for (option, values) in &self.typed {
            let values: Vec<&str> = values.iter().map(String::as_str).collect();
            option.set(options, &values).map_err(|reason| format!("--{}: {reason}", option.flag))?;
        }
        Ok(())
    }
}

fn argument(option: &'static RunOption) -> Arg {
    // In the order of the table, behind the flags that every command has.
    let argument = Arg::new(option.name)
        .long(option.flag)
        .help(option.help_line)
        .help_heading(heading(option.group))
        .hide_short_help(!COMMON.contains(&option.name));
    match option.shape {
        // `--init`, and `--init=false` against a profile that says otherwise. The last one typed counts.
        Shape::Switch => argument
            .overrides_with(option.name)
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("true")
            .hide_possible_values(true)
            .value_name("true|false"),
        Shape::One => {
            argument.overrides_with(option.name).num_args(1).allow_hyphen_values(true).value_name(option.value)
        }
        Shape::Many => argument.num_args(1).action(ArgAction::Append).value_name(option.value),
    }
}

impl Args for ServiceFlags {
    fn augment_args(command: Command) -> Command {
        command.args(OPTIONS.iter().map(argument)).arg(
            Arg::new("group")
                .short('g')
                .long("group")
                .action(ArgAction::SetTrue)
                .conflicts_with("signal_to")
                .help("Signals go to the service's process group, as `--signal-to group`")
                .help_heading(heading(OptionGroup::Signals))
                .hide_short_help(true),
        )
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for ServiceFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let mut flags = Self::default();
        flags.update_from_arg_matches(matches)?;
        Ok(flags)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        for option in &OPTIONS {
            if let Some(values) = matches.get_many::<String>(option.name) {
                let values = values.flat_map(|value| split(option, value)).collect();
                self.typed.push((option, values));
            }
        }
        if matches.get_flag("group") {
            self.push("signal_to", &["group"]);
        }
        Ok(())
    }
}

/// Lists take commas on the command line too, but for `--env`, whose values may hold some.
fn split(option: &RunOption, value: &str) -> Vec<String> {
    if option.shape == Shape::Many && option.name != "env" {
        value.split(',').filter(|part| !part.is_empty()).map(str::to_owned).collect()
    } else {
        vec![value.to_owned()]
    }
}
