//! Asks for a yes, as strong as what is to be done is dangerous.

use std::io::{self, BufRead as _, IsTerminal as _};

use super::{Common, Failure, print};
use crate::plan::Danger;

/// `context`: the name to be typed as well, where the context is protected.
pub(in crate::cli) fn confirm(common: &Common, danger: &Danger, context: Option<&str>) -> Result<(), Failure> {
    let names: Vec<&str> = match danger {
        Danger::Enter | Danger::Yes => Vec::new(),
        Danger::Names { names } => names.iter().map(String::as_str).collect(),
    };
    let typed: Vec<&str> = names.into_iter().chain(context).collect();
    let given = |name: &&str| common.confirm.iter().any(|given| given == name);
    if typed.iter().all(given) && (common.yes || !typed.is_empty() && !matches!(danger, Danger::Enter | Danger::Yes)) {
        return Ok(());
    }
    // One too many does no harm; one that stands where another is asked for does.
    let missing = typed.iter().any(|name| !given(name));
    if let Some(wrong) = common.confirm.iter().find(|given| missing && !typed.contains(&given.as_str())) {
        let asked = typed.join(", ");
        return Err(Failure::Usage(format!("nothing was done: --confirm {wrong} is not what is asked for ({asked})")));
    }
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        let missing: Vec<String> =
            typed.iter().filter(|name| !given(name)).map(|name| format!("--confirm {name}")).collect();
        let ask = if missing.is_empty() { "--yes".to_owned() } else { missing.join(" ") };
        return Err(Failure::Usage(format!("nothing was done: nobody can be asked here; add {ask}")));
    }
    for name in typed.iter().filter(|name| !given(name)) {
        print::note(&format!("type {name} to go on:"));
        let said = line()?;
        if said != *name {
            return Err(Failure::Failed(format!("nothing was done: {said:?} is not {name}")));
        }
    }
    match danger {
        Danger::Enter if !common.yes => {
            print::note("Enter to go on, Ctrl-C to leave it:");
            let said = line()?;
            if !said.is_empty() && !said.eq_ignore_ascii_case("y") {
                return Err(Failure::Failed("nothing was done".to_owned()));
            }
        }
        Danger::Yes if !common.yes => {
            print::note("y to go on:");
            if !line()?.eq_ignore_ascii_case("y") {
                return Err(Failure::Failed("nothing was done".to_owned()));
            }
        }
        _ => {}
    }
    Ok(())
}

/// A line of the terminal; its end is no yes.
fn line() -> Result<String, Failure> {
    let mut text = String::new();
    match io::stdin().lock().read_line(&mut text) {
        Ok(0) | Err(_) => Err(Failure::Failed("nothing was done".to_owned())),
        Ok(_) => Ok(text.trim().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_to_be_given_each() {
        // Tests have no terminal on standard input.
        let check = |yes, confirm: &[&str], danger: &Danger, context, expect: Option<&str>| {
            let confirm = confirm.iter().map(|s| (*s).to_owned()).collect();
            let common = Common { yes, confirm, ..Common::default() };
            let got = super::confirm(&common, danger, context).err().map(|f| f.to_string());
            assert_eq!(got.is_none(), expect.is_none(), "{got:?}");
            assert!(expect.is_none_or(|e| got.as_ref().unwrap().ends_with(e)), "{got:?}");
        };
        let names = Danger::Names { names: vec!["a".to_owned(), "b".to_owned()] };
        check(false, &[], &Danger::Enter, None, Some("add --yes"));
        check(true, &[], &Danger::Enter, None, None);
        check(true, &[], &Danger::Yes, Some("prod"), Some("add --confirm prod"));
        check(true, &["prod"], &Danger::Yes, Some("prod"), None);
        check(false, &["prod"], &Danger::Yes, Some("prod"), Some("add --yes"));
        check(true, &["a"], &names, None, Some("add --confirm b"));
        check(true, &[], &names, Some("prod"), Some("--confirm a --confirm b --confirm prod"));
        check(false, &["b", "a"], &names, None, None);
        check(true, &["a", "c"], &names, Some("prod"), Some("--confirm c is not what is asked for (a, b, prod)"));
        check(false, &["a", "b", "prod"], &names, None, None);
    }
}
