//! Owns the use cases behind the Management API and the dashboard, one file a resource.
//! Never touches HTTP: inputs are parsed, outputs are the model's.
