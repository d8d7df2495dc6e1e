//! `dl.Record` and `dl.Receipt`.

use pyo3::prelude::*;

use crate::batch::Receipts;
use crate::dlsn::Dlsn;
use crate::payload::Payload;

/// A record as read.
#[pyclass(frozen, eq, module = "dl")]
#[derive(PartialEq)]
pub(crate) struct Record(pub(crate) dl_core::Record);

#[pymethods]
impl Record {
    #[getter]
    fn dlsn(&self) -> Dlsn {
        Dlsn(self.0.dlsn)
    }

    #[getter]
    fn txid(&self) -> i64 {
        self.0.txid
    }

    #[getter]
    fn sequence_id(&self) -> Option<u64> {
        self.0.sequence_id
    }

    #[getter]
    fn payload(&self) -> Payload {
        Payload(self.0.payload.clone())
    }

    #[getter]
    fn record_set(&self) -> bool {
        self.0.record_set
    }

    fn __repr__(&self) -> String {
        let dl_core::Record { dlsn, txid, payload, .. } = &self.0;
        format!("<dl.Record {dlsn} txid={txid} {} bytes>", payload.len())
    }
}

/// The acknowledgement of an append.
#[pyclass(frozen, eq, module = "dl")]
#[derive(PartialEq)]
pub(crate) struct Receipt(pub(crate) dl_core::Receipt);

#[pymethods]
impl Receipt {
    #[getter]
    fn dlsn(&self) -> Dlsn {
        Dlsn(self.0.dlsn)
    }

    #[getter]
    fn txid(&self) -> i64 {
        self.0.txid
    }

    #[getter]
    fn sequence_id(&self) -> Option<u64> {
        self.0.sequence_id
    }

    #[getter]
    fn durability(&self) -> &'static str {
        self.0.durability.name()
    }

    #[getter]
    fn duplicate(&self) -> bool {
        self.0.duplicate
    }

    fn __repr__(&self) -> String {
        let dl_core::Receipt { dlsn, txid, durability, .. } = &self.0;
        format!("<dl.Receipt {dlsn} txid={txid} {}>", durability.name())
    }
}

pub(crate) fn receipt(py: Python<'_>, receipt: dl_core::Receipt) -> PyResult<Py<PyAny>> {
    Ok(Py::new(py, Receipt(receipt))?.into_any())
}

pub(crate) fn receipts(py: Python<'_>, receipts: Vec<dl_core::Receipt>) -> PyResult<Py<PyAny>> {
    Receipts::all(receipts).object(py)
}
