//! The call of a Nagios or Icinga notification command, made of its macros.

use std::ffi::OsString;

use serde_json::{Map, Value};

use crate::cli::exit::CliError;

/// The macros that a call carries, by their names in Nagios.
const MACROS: [&str; 19] = [
    "CONTACTNAME",
    "HOSTADDRESS",
    "HOSTALIAS",
    "HOSTGROUPNAMES",
    "HOSTNAME",
    "HOSTNOTESURL",
    "HOSTOUTPUT",
    "HOSTSTATE",
    "LONGDATETIME",
    "LONGHOSTOUTPUT",
    "LONGSERVICEOUTPUT",
    "NOTIFICATIONAUTHOR",
    "NOTIFICATIONCOMMENT",
    "NOTIFICATIONTYPE",
    "SERVICEATTEMPT",
    "SERVICEDESC",
    "SERVICEGROUPNAMES",
    "SERVICEOUTPUT",
    "SERVICESTATE",
];

/// How the environment names a macro, in the order in which they count.
const PREFIXES: [&str; 2] = ["NAGIOS_", "ICINGA_"];

/// The macros that the environment has.
pub(crate) fn environment(var: &impl Fn(&str) -> Option<OsString>) -> Vec<(String, String)> {
    let value = |name: &str| PREFIXES.iter().find_map(|prefix| var(&format!("{prefix}{name}")));
    let pair = |name: &&str| Some(((*name).to_owned(), value(name)?.to_string_lossy().into_owned()));
    MACROS.iter().filter_map(pair).collect()
}

/// The body: every macro that has a value, those of the line before those of the environment.
pub(super) fn body(environment: &[(String, String)], given: &[String]) -> Result<String, CliError> {
    let mut macros: Map<String, Value> = Map::new();
    for (name, value) in environment {
        put(&mut macros, name, value);
    }
    for text in given {
        let Some((name, value)) = text.split_once('=').filter(|(name, _)| !name.trim().is_empty()) else {
            return Err(CliError::usage(format!("`{text}` is no macro"), "write it as --macro HOSTNAME=web01"));
        };
        macros.remove(&plain(name));
        put(&mut macros, &plain(name), value);
    }
    if !macros.contains_key("NOTIFICATIONTYPE")
        && let Some(kind) = kind_of(&macros)
    {
        put(&mut macros, "NOTIFICATIONTYPE", kind);
    }
    let missing: Vec<&str> =
        ["NOTIFICATIONTYPE", "HOSTNAME"].into_iter().filter(|name| !macros.contains_key(*name)).collect();
    if !missing.is_empty() {
        let what = format!("there is no macro {}, neither in the environment nor on the line", missing.join(" and "));
        let next = "set enable_environment_macros=1 in nagios.cfg, or give each as --macro NAME=VALUE";
        return Err(CliError::input(what, next));
    }
    let object = if macros.contains_key("SERVICEDESC") { "service" } else { "host" };
    put(&mut macros, "pd_nagios_object", object);
    Ok(Value::Object(macros).to_string())
}

/// A macro that is blank, or that nobody has filled in, says nothing.
fn put(macros: &mut Map<String, Value>, name: &str, value: &str) {
    let is_unfilled = value.len() > 1 && value.starts_with('$') && value.ends_with('$');
    if !value.trim().is_empty() && !is_unfilled {
        macros.insert(name.to_owned(), Value::String(value.to_owned()));
    }
}

/// `NAGIOS_HOSTNAME` and `$HOSTNAME$` are the macro HOSTNAME.
fn plain(name: &str) -> String {
    let name = name.trim().trim_matches('$');
    PREFIXES.iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name).to_owned()
}

/// An event handler has no notification: its state says what it would be.
fn kind_of(macros: &Map<String, Value>) -> Option<&'static str> {
    let state = macros.get("SERVICESTATE").or_else(|| macros.get("HOSTSTATE"))?.as_str()?;
    Some(if matches!(state, "OK" | "UP") { "RECOVERY" } else { "PROBLEM" })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn made(environment: &[(&str, &str)], given: &[&str]) -> Result<Value, CliError> {
        let var =
            |name: &str| environment.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(*value));
        let given: Vec<String> = given.iter().map(|text| (*text).to_owned()).collect();
        body(&super::environment(&var), &given).map(|text| serde_json::from_str(&text).unwrap())
    }

    #[test]
    fn the_environment_of_a_notification_command_is_the_call() {
        let service = [
            ("NAGIOS_NOTIFICATIONTYPE", "PROBLEM"),
            ("NAGIOS_HOSTNAME", "mail01"),
            ("NAGIOS_SERVICEDESC", "SMTP"),
            ("NAGIOS_SERVICESTATE", "CRITICAL"),
            ("NAGIOS_SERVICEOUTPUT", "socket timeout"),
            ("NAGIOS_HOSTOUTPUT", ""),
            ("NAGIOS_LONGSERVICEOUTPUT", "$LONGSERVICEOUTPUT$"),
            ("HOSTNAME", "the monitoring host itself"),
        ];
        let expected = json!({
            "NOTIFICATIONTYPE": "PROBLEM", "HOSTNAME": "mail01", "SERVICEDESC": "SMTP", "SERVICESTATE": "CRITICAL",
            "SERVICEOUTPUT": "socket timeout", "pd_nagios_object": "service",
        });
        assert_eq!(made(&service, &[]).ok(), Some(expected));
        let host = [("ICINGA_NOTIFICATIONTYPE", "RECOVERY"), ("ICINGA_HOSTNAME", "mail01")];
        let expected = json!({"NOTIFICATIONTYPE": "RECOVERY", "HOSTNAME": "mail01", "pd_nagios_object": "host"});
        assert_eq!(made(&host, &[]).ok(), Some(expected));
    }

    #[test]
    fn macros_on_the_line_win_and_the_state_stands_for_a_missing_type() {
        let line = ["HOSTNAME=web01", "$SERVICEDESC$=HTTP", "NAGIOS_SERVICESTATE=OK", "HOSTALIAS="];
        let made = made(&[("NAGIOS_HOSTNAME", "other"), ("NAGIOS_HOSTALIAS", "gone")], &line).ok();
        let expected = json!({
            "NOTIFICATIONTYPE": "RECOVERY", "HOSTNAME": "web01", "SERVICEDESC": "HTTP", "SERVICESTATE": "OK",
            "pd_nagios_object": "service",
        });
        assert_eq!(made, Some(expected));
    }

    #[test]
    fn without_type_or_host_it_says_which_macro_is_missing() {
        for (given, named) in
            [(&["HOSTNAME=a"][..], "NOTIFICATIONTYPE"), (&["HOSTSTATE=DOWN"], "HOSTNAME"), (&["x"], "`x`")]
        {
            let error = made(&[], given).err().map(|error| error.lines().join(" ")).unwrap();
            assert!(error.contains(named), "{error}");
        }
    }
}
