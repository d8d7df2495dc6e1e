//! Options as keyword arguments, by the names of the core's table, which also checks them.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDelta, PyDict, PyFloat, PyInt, PyString};

use crate::arguments::{Text, digits, index, text_of};
use crate::dlsn::Dlsn;
use crate::error::{invalid, raised};
use crate::input;

/// Sets each option that was given. `None` stands for one that was not.
pub(crate) fn set_each(
    given: Option<&Bound<'_, PyDict>>,
    mut set: impl FnMut(&str, &str) -> dl_core::Result<()>,
) -> PyResult<()> {
    let Some(given) = given else { return Ok(()) };
    for (name, value) in given {
        if value.is_none() {
            continue;
        }
        let name = name.extract::<Text>()?.into_string();
        // Python's own words have an underscore behind them: from_.
        let name = name.strip_suffix('_').unwrap_or(&name);
        let text = text(name, &value)?;
        set(name, &text).map_err(|error| raised(given.py(), &error))?;
    }
    Ok(())
}

/// An option's value as the core reads it. A duration is a whole number of milliseconds, or seconds with a fraction, or a
/// timedelta.
fn text(name: &str, value: &Bound<'_, PyAny>) -> PyResult<String> {
    if let Ok(text) = value.cast::<PyString>() {
        return text_of(text);
    }
    if let Ok(flag) = value.cast::<PyBool>() {
        return Ok(flag.is_true().to_string());
    }
    if value.get_type().hasattr("__index__")? {
        return digits(index(value)?.cast::<PyInt>()?);
    }
    if let Ok(dlsn) = value.cast::<Dlsn>() {
        return Ok(dlsn.get().0.to_string());
    }
    if value.is_instance_of::<PyFloat>() || value.is_instance_of::<PyDelta>() {
        let milliseconds = (input::seconds(value)? * 1_000.0).round();
        if !(0.0..9e15).contains(&milliseconds) {
            return Err(invalid(value.py(), format!("{name} is {value}; give seconds from 0")));
        }
        return Ok(match name {
            "takeover" => format!("wait:{milliseconds}"),
            _ if name.ends_with("_ms") => format!("{milliseconds}"),
            _ => value.str()?.to_str()?.to_owned(),
        });
    }
    let kind = value.get_type().name()?;
    Err(PyTypeError::new_err(format!("the option {name} cannot be a {kind}")))
}
