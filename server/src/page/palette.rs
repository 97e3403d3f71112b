//! Owns colours: from one or two brand colours, every colour of a page, each readable on what is behind it.
//! Never touches style sheets: the layout writes these as custom properties.

use portico_core::model::Color;
use serde::Serialize;

/// The colours of a page, all as `#rrggbb` (`security.md` UI-03: nothing else gets into a style sheet).
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub(crate) struct Palette {
    /// On a light screen.
    light: Shades,
    /// On a dark screen.
    dark: Shades,
}

#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
struct Shades {
    /// Behind buttons: the brand's own colour.
    primary: String,
    /// Text on buttons: black or white, whichever reads better. At least 4.5:1 (WCAG 1.4.3).
    on_primary: String,
    /// Around buttons and fields with focus: at least 3:1 against the card (WCAG 1.4.11).
    edge: String,
    /// Links on the card: at least 4.5:1.
    link: String,
    /// Behind the card.
    backdrop: String,
    /// Text beside the card: at least 4.5:1.
    on_backdrop: String,
}

impl Palette {
    /// Of a brand.
    pub(crate) fn of(primary: Option<&Color>, page_background: Option<&Color>) -> Self {
        let primary = primary.map_or(DEFAULT_PRIMARY, Rgb::parse);
        let light_backdrop = page_background.map_or(DEFAULT_BACKDROP, Rgb::parse);
        let dark_backdrop = match page_background {
            None => DARK_BACKDROP,
            // A brand's dark colour stays as it is; a light one keeps only its hue.
            Some(color) if Rgb::parse(color).luminance() < 0.05 => Rgb::parse(color),
            Some(color) => Rgb::parse(color).towards(BLACK, 88),
        };
        Self {
            light: Shades::on(LIGHT_CARD, light_backdrop, primary),
            dark: Shades::on(DARK_CARD, dark_backdrop, primary),
        }
    }
}

impl Shades {
    fn on(card: Rgb, backdrop: Rgb, primary: Rgb) -> Self {
        Self {
            primary: primary.to_string(),
            on_primary: primary.ink().to_string(),
            edge: primary.until(3.0, card).to_string(),
            link: primary.until(4.5, card).to_string(),
            backdrop: backdrop.to_string(),
            on_backdrop: backdrop.ink().towards(backdrop, 25).until(4.5, backdrop).to_string(),
        }
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Rgb([u8; 3]);

impl Rgb {
    fn parse(color: &Color) -> Self {
        let digits = color.as_str().as_bytes();
        let nibble = |index: usize| char::from(digits[index]).to_digit(16).unwrap_or(0);
        let byte = |index: usize| u8::try_from(nibble(index) * 16 + nibble(index + 1)).unwrap_or(u8::MAX);
        Self([byte(1), byte(3), byte(5)])
    }

    /// Relative luminance, 0 to 1 (WCAG 2.2).
    fn luminance(self) -> f64 {
        let [red, green, blue] = self.0.map(|byte| {
            let part = f64::from(byte) / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        });
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }

    /// Contrast ratio, 1 to 21 (WCAG 2.2).
    fn contrast(self, other: Self) -> f64 {
        let (one, two) = (self.luminance(), other.luminance());
        (one.max(two) + 0.05) / (one.min(two) + 0.05)
    }

    /// Black or white, whichever reads better on this. One of them always reaches 4.5:1.
    fn ink(self) -> Self {
        if self.contrast(WHITE) >= 4.5 || self.contrast(WHITE) >= self.contrast(BLACK) {
            WHITE
        } else {
            BLACK
        }
    }

    /// This much of the way to another colour, in percent.
    fn towards(self, other: Self, percent: u16) -> Self {
        let mix = |from: u8, to: u8| {
            let sum = u16::from(from) * (100 - percent) + u16::from(to) * percent;
            u8::try_from(sum / 100).unwrap_or(u8::MAX)
        };
        Self(std::array::from_fn(|index| mix(self.0[index], other.0[index])))
    }

    /// The nearest shade of this colour with that contrast to the background.
    fn until(self, ratio: f64, background: Self) -> Self {
        let end = background.ink();
        (0..=20)
            .map(|step| self.towards(end, step * 5))
            .find(|shade| shade.contrast(background) >= ratio)
            .unwrap_or(end)
    }
}

impl std::fmt::Display for Rgb {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [red, green, blue] = self.0;
        write!(formatter, "#{red:02x}{green:02x}{blue:02x}")
    }
}

const BLACK: Rgb = Rgb([0; 3]);
const WHITE: Rgb = Rgb([0xff, 0xff, 0xff]);
const LIGHT_CARD: Rgb = WHITE;
const DARK_CARD: Rgb = Rgb([0x1b, 0x1f, 0x25]);
const DEFAULT_PRIMARY: Rgb = Rgb([0x1f, 0x4f, 0x8f]);
const DEFAULT_BACKDROP: Rgb = Rgb([0xf2, 0xf4, 0xf7]);
const DARK_BACKDROP: Rgb = Rgb([0x10, 0x13, 0x17]);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_can_be_read_whatever_the_brand() {
        for primary in (0..=0xff_ffff).step_by(4_099) {
            let color = Color::parse(&format!("#{primary:06x}")).unwrap();
            let rgb = Rgb::parse(&color);
            assert_eq!(rgb.to_string(), color.as_str(), "a colour is read as it is written");
            assert!(rgb.contrast(rgb.ink()) >= 4.5, "ink on {rgb}: {}", rgb.contrast(rgb.ink()));
            for card in [LIGHT_CARD, DARK_CARD] {
                assert!(rgb.until(4.5, card).contrast(card) >= 4.5, "link {rgb} on {card}");
                assert!(rgb.until(3.0, card).contrast(card) >= 3.0, "edge {rgb} on {card}");
            }
        }
    }

    #[test]
    fn a_colour_that_reads_well_is_left_alone() {
        let navy = Color::parse("#1a2b4c").unwrap();
        assert_eq!(Palette::of(Some(&navy), None).light.link, "#1a2b4c");
        assert_ne!(
            Palette::of(Some(&navy), None).dark.link,
            "#1a2b4c",
            "control: on a dark card it is lightened"
        );
    }
}
