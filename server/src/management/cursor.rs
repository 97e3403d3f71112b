//! Owns the cursors of lists: where the next page begins, in a form that nobody else can make.
//! Never touches what is listed.

use crate::http::voice::api::ApiFault;
use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

/// Makes cursors and reads them back.
///
/// A cursor holds the time and id of the last row, and a MAC over them and over the list it is of: a path with its
/// filters. One of another list, another filter or another installation is refused (`security.md` API-06).
pub(super) struct Cursors {
    key: hmac::Key,
}

const TAG: usize = 16;

impl Cursors {
    pub(super) fn new(key: [u8; 32]) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, &key) }
    }

    pub(super) fn make(&self, list: &str, (at, id): &(i64, String)) -> String {
        let mut row = at.to_be_bytes().to_vec();
        row.extend_from_slice(id.as_bytes());
        let mut cursor = self.tag(list, &row)[..TAG].to_vec();
        cursor.extend_from_slice(&row);
        URL_SAFE_NO_PAD.encode(cursor)
    }

    pub(super) fn read(&self, list: &str, cursor: &str) -> Result<(i64, String), ApiFault> {
        let refused = || ApiFault::query("Invalid pagination cursor", "from", "Where to begin");
        if cursor.len() > 1024 {
            return Err(refused());
        }
        let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_not_base64| refused())?;
        let (tag, row) = bytes.split_at_checked(TAG).ok_or_else(refused)?;
        let expected = self.tag(list, row);
        aws_lc_rs::constant_time::verify_slices_are_equal(tag, &expected[..TAG])
            .map_err(|_unequal| refused())?;
        let (at, id) = row.split_first_chunk::<8>().ok_or_else(refused)?;
        let id = String::from_utf8(id.to_vec()).map_err(|_not_text| refused())?;
        Ok((i64::from_be_bytes(*at), id))
    }

    fn tag(&self, list: &str, row: &[u8]) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(&u64::try_from(list.len()).unwrap_or(u64::MAX).to_be_bytes());
        context.update(list.as_bytes());
        context.update(row);
        let mut tag = [0; 32];
        tag.copy_from_slice(context.sign().as_ref());
        tag
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn api_06_a_cursor_is_good_for_its_own_list_and_as_it_was_made() {
        let cursors = Cursors::new([7; 32]);
        let row = (1_795_521_600_000, "org_0000000000000001".to_owned());
        let cursor = cursors.make("/api/v2/organizations", &row);
        assert_eq!(cursors.read("/api/v2/organizations", &cursor), Ok(row.clone()));
        assert!(cursors.read("/api/v2/connections", &cursor).is_err());
        assert!(Cursors::new([8; 32]).read("/api/v2/organizations", &cursor).is_err());
        for (index, _) in cursor.bytes().enumerate() {
            let mut forged = cursor.clone().into_bytes();
            forged[index] = if forged[index] == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(forged).unwrap();
            assert!(cursors.read("/api/v2/organizations", &forged).is_err(), "{index}");
        }
        for nonsense in ["", "0", "' OR 1=1 --", "\0", &"A".repeat(5000)] {
            assert!(cursors.read("/api/v2/organizations", nonsense).is_err());
        }
    }
}
