//! Owns what a visitor is told when a login cannot go on.
//! Never touches the log's words: causes stay there.

use crate::{
    http::{
        extract::params::ParamsFault,
        layer::CrossOrigin,
        voice::page::{PageFault, trouble_of, trouble_of_store},
    },
    page::Trouble,
};
use portico_core::{
    login::flow::FlowError,
    oauth::{authorize::AuthorizeFault, redirect::RedirectFault},
};

/// Why a login's page cannot be shown. Answers that the application gets are not among these.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoginFault {
    /// Nothing says which login it is about.
    #[error("the request names no login")]
    NoState,
    /// The form came without what it asks for.
    #[error("the form has no answer")]
    NoAnswer,
    /// The form was not sent by a page of ours (OP-25).
    #[error("the form came from elsewhere: {0}")]
    ForeignForm(#[from] CrossOrigin),
    /// Its parameters cannot be read.
    #[error(transparent)]
    Params(#[from] ParamsFault),
    /// The flow says so.
    #[error(transparent)]
    Flow(#[from] FlowError),
    /// The authorization request may not be answered.
    #[error(transparent)]
    Authorize(#[from] AuthorizeFault),
}

impl From<LoginFault> for PageFault {
    fn from(fault: LoginFault) -> Self {
        let page = if let LoginFault::ForeignForm(foreign) = &fault {
            Self::from(*foreign)
        } else {
            Self::new(fault.trouble())
        };
        let page = match fault.detail() {
            Some(detail) => page.with_detail(detail),
            None => page,
        };
        page.because(fault)
    }
}

impl LoginFault {
    /// What the visitor is told.
    fn trouble(&self) -> Trouble {
        match self {
            Self::Params(ParamsFault::TooLarge) => Trouble::TooLarge,
            Self::NoState | Self::NoAnswer | Self::Params(_) => Trouble::BadRequest,
            Self::ForeignForm(_) => Trouble::ForeignForm,
            Self::Flow(error) => of_flow(error),
            Self::Authorize(fault) => match fault {
                AuthorizeFault::UnknownClient(_) => Trouble::UnknownClient,
                AuthorizeFault::Redirect(_, RedirectFault::Mismatch(_)) => Trouble::WrongCallback,
                AuthorizeFault::TooManyTickets => Trouble::TooManyAttempts,
                AuthorizeFault::Store(error) => trouble_of_store(error),
                AuthorizeFault::Redirect(..)
                | AuthorizeFault::Missing(_)
                | AuthorizeFault::Answer { .. }
                | _ => Trouble::BadRequest,
            },
        }
    }

    /// What the application's developer needs to know, in the protocol's words (contract §1.2.1).
    fn detail(&self) -> Option<String> {
        match self {
            Self::Params(fault) => Some(fault.to_string()),
            Self::Authorize(AuthorizeFault::UnknownClient(id)) => Some(format!("Unknown client: {id}")),
            Self::Authorize(AuthorizeFault::Redirect(_, RedirectFault::Mismatch(uri))) => {
                Some(format!("Callback URL mismatch: {uri} is not in the list of allowed callback URLs"))
            }
            Self::Authorize(AuthorizeFault::Redirect(_, RedirectFault::Missing)) => {
                Some("Missing required parameter: redirect_uri".to_owned())
            }
            Self::Authorize(AuthorizeFault::Missing(name)) => {
                Some(format!("Missing required parameter: {name}"))
            }
            Self::NoState | Self::NoAnswer | Self::ForeignForm(_) | Self::Flow(_) | Self::Authorize(_) => {
                None
            }
        }
    }
}

fn of_flow(error: &FlowError) -> Trouble {
    match error {
        FlowError::Unknown | FlowError::Expired => Trouble::Expired,
        FlowError::OtherBrowser => Trouble::NoCookie,
        FlowError::Stale => Trouble::Stale,
        FlowError::Store(error) | FlowError::Landing(AuthorizeFault::Store(error)) => trouble_of_store(error),
        FlowError::Landing(_) => Trouble::Misconfigured,
        FlowError::Connector(error) => trouble_of(error),
        _ => Trouble::Internal,
    }
}
