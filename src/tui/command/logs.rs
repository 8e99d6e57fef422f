//! The commands of the logs.

use super::{Command, Id, LOOK, place::IN_LOGS};

/// A command of the logs alone.
const fn in_logs(
    id: Id,
    name: &'static str,
    hint: Option<&'static str>,
    keys: &'static [&'static str],
    help: &'static str,
) -> Command {
    Command { id, name, hint, help, keys, places: IN_LOGS, listed: false, ..LOOK }
}

pub(super) const COMMANDS: &[Command] = &[
    in_logs(Id::LogFollow, "follow", Some("follow"), &["s"], "follow, or stand still: new lines are then only counted"),
    in_logs(
        Id::LogSearch,
        "search",
        Some("search"),
        &["/"],
        "search while typing: an expression; small letters find large ones too",
    ),
    in_logs(Id::LogNext, "next", None, &["n"], "to the next match"),
    in_logs(Id::LogPrevious, "previous", None, &["N"], "to the match before"),
    in_logs(Id::LogFilter, "only", Some("filter"), &["&"], "show only lines that match, while typing: an expression"),
    in_logs(Id::LogNot, "not", None, &["!"], "hide lines that match, while typing; holds beside the filter"),
    in_logs(Id::LogTime, "time", None, &["@"], "to a time: 14:05, 14:05:30 (UTC), 10m (ago), or with its date"),
    in_logs(Id::LogTenant, "tenant", None, &["T"], "of several tenants: each alone, then all"),
    in_logs(Id::LogContainer, "container", Some("container"), &["c"], "each container alone, then all"),
    in_logs(Id::LogHide, "hide", None, &["-"], "hide the container of this line"),
    in_logs(Id::LogShowAll, "show-all", None, &["="], "show all containers"),
    in_logs(Id::LogError, "error", Some("error"), &["e"], "to the next error; while following, to the first one"),
    in_logs(Id::LogLevel, "level", None, &["L"], "only warnings and errors, only errors, all"),
    in_logs(Id::LogWrap, "wrap", Some("wrap"), &["w"], "wrap long lines, or cut them"),
    in_logs(Id::LogTimes, "times", Some("times"), &["t"], "times: none, of the day (UTC), ages, gaps between lines"),
    in_logs(Id::LogOpen, "open-line", None, &["enter"], "open a line of JSON to its fields, and close it"),
    in_logs(Id::LogJson, "json", None, &["J"], "JSON as message and fields, or as it is"),
    in_logs(Id::LogColours, "colours", None, &["a"], "the containers' own colours, as colours only"),
    in_logs(Id::LogFull, "full", None, &["f"], "the whole screen, or with header and footer"),
    in_logs(Id::LogRight, "right", None, &["right"], "further right in long lines"),
    in_logs(Id::LogLeft, "left", None, &["left"], "back to the left"),
    in_logs(Id::LogMark, "mark", None, &["space"], "mark the line, or take the mark off"),
    in_logs(Id::LogNextMark, "next-mark", None, &["m"], "to the next marked line"),
    in_logs(Id::LogCopy, "copy-lines", None, &["y"], "copy the marked lines, or this one (OSC 52)"),
    in_logs(Id::LogSave, "save", None, &["ctrl-s"], "save what is shown to a file in the folder we were started in"),
    in_logs(Id::LogInstance, "instance", None, &["p"], "the instances before the present ones, and back"),
    in_logs(Id::LogReach(0), "last-lines", None, &["0"], "read anew: the last 500 lines of each container"),
    in_logs(Id::LogReach(1), "last-1m", None, &["1"], "read anew: the last minute"),
    in_logs(Id::LogReach(2), "last-5m", None, &["2"], "read anew: the last 5 minutes"),
    in_logs(Id::LogReach(3), "last-15m", None, &["3"], "read anew: the last 15 minutes"),
    in_logs(Id::LogReach(4), "last-1h", None, &["4"], "read anew: the last hour"),
    in_logs(Id::LogReach(5), "all-lines", None, &["5"], "read anew: all that is there"),
];
