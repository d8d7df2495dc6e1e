//! What is asked seldom: plain data classes of `dl.types`.

use dl_core::{
    CursorInfo, End, Finding, InProgress, LogChange, LogInfo, Metric, MetricValue, NamespaceInfo,
    SegmentInfo, SegmentTruncation, Verification,
};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};

use crate::dlsn::Dlsn;

/// An object of a class of `dl.types`, from its fields in order.
pub(crate) fn make<'py, A>(py: Python<'py>, class: &str, fields: A) -> PyResult<Bound<'py, PyAny>>
where
    A: IntoPyObject<'py, Target = PyTuple, Output = Bound<'py, PyTuple>, Error = PyErr>,
{
    py.import("dl.types")?.getattr(class)?.call1(fields.into_pyobject(py)?)
}

pub(crate) fn log(py: Python<'_>, info: LogInfo) -> PyResult<Py<PyAny>> {
    let fields = (
        info.name.as_str(),
        info.incarnation,
        info.segments,
        info.in_progress,
        info.sealed,
        Dlsn(info.first_readable),
        info.max_txid,
        info.owner,
    );
    Ok(make(py, "LogInfo", fields)?.unbind())
}

pub(crate) fn segments(py: Python<'_>, segments: Vec<SegmentInfo>) -> PyResult<Py<PyAny>> {
    let made = segments.iter().map(|info| segment(py, info)).collect::<PyResult<Vec<_>>>()?;
    Ok(PyList::new(py, made)?.into_any().unbind())
}

fn segment<'py>(py: Python<'py>, info: &SegmentInfo) -> PyResult<Bound<'py, PyAny>> {
    let (truncated, below) = match info.truncation {
        SegmentTruncation::None => (false, None),
        SegmentTruncation::Whole => (true, None),
        SegmentTruncation::Below(dlsn) => (false, Some(Dlsn(dlsn))),
    };
    let completed = info.completed.map(|end| {
        make(py, "SegmentEnd", (end.records, end.last_txid, end.last_dlsn.map(Dlsn), end.completed_ms))
    });
    let fields = (
        info.number,
        info.id.get(),
        truncated,
        below,
        info.first_txid,
        info.first_sequence_id,
        completed.transpose()?,
    );
    make(py, "SegmentInfo", fields)
}

pub(crate) fn cursors(py: Python<'_>, cursors: Vec<CursorInfo>) -> PyResult<Py<PyAny>> {
    let cursor =
        |info: CursorInfo| make(py, "CursorInfo", (info.name.as_str(), info.position.map(Dlsn), info.owner));
    let made = cursors.into_iter().map(cursor).collect::<PyResult<Vec<_>>>()?;
    Ok(PyList::new(py, made)?.into_any().unbind())
}

pub(crate) fn change(py: Python<'_>, change: LogChange) -> PyResult<Py<PyAny>> {
    let (kind, log) = match &change {
        LogChange::Created(name) => ("created", Some(name.as_str())),
        LogChange::Deleted(name) => ("deleted", Some(name.as_str())),
        LogChange::Listed => ("listed", None),
        _ => ("unknown", None),
    };
    Ok(make(py, "LogChange", (kind, log))?.unbind())
}

pub(crate) fn end(end: Option<End>) -> Option<&'static str> {
    end.map(|end| match end {
        End::Bound => "bound",
        End::End => "end",
        End::Sealed => "sealed",
        _ => "unknown",
    })
}

pub(crate) fn namespace(py: Python<'_>, info: NamespaceInfo) -> PyResult<Py<PyAny>> {
    let format = info.format.map(|format| {
        let bits = (format.compatible, format.read_only_compatible, format.incompatible);
        make(py, "FormatInfo", (format.version, bits.0, bits.1, bits.2, format.known))
    });
    let process = |process: &dl_core::ProcessInfo| make(py, "ProcessInfo", (process.id, &process.client_id));
    let fields = (
        info.driver,
        format.transpose()?,
        info.logs,
        info.processes.iter().map(process).collect::<PyResult<Vec<_>>>()?,
        info.journals,
        info.journal_bytes,
        info.segments,
        info.segment_bytes,
        info.metadata_bytes,
    );
    Ok(make(py, "NamespaceInfo", fields)?.unbind())
}

pub(crate) fn verification(py: Python<'_>, found: Verification) -> PyResult<Py<PyAny>> {
    let fields = (
        found.findings.iter().map(|finding| self::finding(py, finding)).collect::<PyResult<Vec<_>>>()?,
        found.files,
        found.bytes,
        found.in_use,
        found.in_progress.iter().map(|segment| in_progress(py, segment)).collect::<PyResult<Vec<_>>>()?,
    );
    Ok(make(py, "Verification", fields)?.unbind())
}

fn finding<'py>(py: Python<'py>, finding: &Finding) -> PyResult<Bound<'py, PyAny>> {
    let fields = (
        finding.severity.name(),
        finding.subject.name(),
        &finding.message,
        finding.file.as_ref().map(|file| file.to_string_lossy().into_owned()),
        finding.offset,
        finding.segment_id.map(|id| id.get()),
        finding.log.as_ref().map(ToString::to_string),
        finding.segment,
        &finding.whole_entries,
        &finding.kept,
        &finding.safe,
    );
    make(py, "Finding", fields)
}

fn in_progress<'py>(py: Python<'py>, segment: &InProgress) -> PyResult<Bound<'py, PyAny>> {
    let fields = (
        segment.log.as_str(),
        segment.segment,
        segment.segment_id.get(),
        segment.entries,
        segment.records,
        segment.last_dlsn.map(Dlsn),
        segment.unfinished_bytes,
        &segment.owner,
        segment.owner_alive,
    );
    make(py, "InProgress", fields)
}

pub(crate) fn metrics(py: Python<'_>, snapshot: dl_core::Snapshot) -> PyResult<Py<PyAny>> {
    let made = snapshot.iter().map(|metric| self::metric(py, metric)).collect::<PyResult<Vec<_>>>()?;
    Ok(PyList::new(py, made)?.into_any().unbind())
}

fn metric<'py>(py: Python<'py>, metric: &Metric) -> PyResult<Bound<'py, PyAny>> {
    let labels = PyDict::new(py);
    for (name, value) in &metric.labels {
        labels.set_item(name, value)?;
    }
    let (kind, value, sum) = match &metric.value {
        MetricValue::Counter(value) => ("counter", *value, None),
        MetricValue::Gauge(value) => ("gauge", *value, None),
        MetricValue::Histogram(distribution) => ("histogram", distribution.count(), Some(distribution.sum())),
        _ => ("unknown", 0, None),
    };
    make(py, "Metric", (metric.name, metric.help, metric.unit, labels, kind, value, sum))
}
