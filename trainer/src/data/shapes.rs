//! Images for segmentation: discs and boxes on a textured background, with the mask of what is where.
//!
//! Brightness alone tells nothing: background and shapes draw their colours from the same range, and the background has
//! stripes and noise of its own. What tells a shape is its outline and its surface: discs are shaded from the middle, boxes
//! are chequered.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// Height and width of an image in pixels.
pub(crate) const SIDE: i64 = 128;
const PIXELS: usize = 128;

/// A colour, 0..1 each.
type Colour = [f32; 3];

/// What is drawn; its number is its class in the mask.
#[derive(Clone, Copy)]
enum Form {
    Disc = 1,
    Box = 2,
}

struct Shape {
    form: Form,
    centre: (f32, f32),
    /// Half the width and half the height, before turning.
    half: (f32, f32),
    turn: (f32, f32),
    colour: Colour,
    other: Colour,
}

/// Appends one image (3 planes of u8) to `images` and its mask (one plane) to `masks`.
pub(super) fn draw(generator: &mut ChaCha8Rng, images: &mut Vec<u8>, masks: &mut Vec<u8>) {
    let background = Background::new(generator);
    let count = generator.random_range(2..=4);
    let shapes: Vec<Shape> = (0..count).map(|_| Shape::new(generator)).collect();
    let mut planes = vec![0_u8; 3 * PIXELS * PIXELS];
    for row in 0..PIXELS {
        for column in 0..PIXELS {
            let place = (pixel(column), pixel(row));
            // The last shape lies on top.
            let seen = shapes.iter().rev().find_map(|shape| Some((shape, shape.covers(place)?)));
            let (colour, class) = match seen {
                Some((shape, inside)) => (shape.surface(inside), shape.form as u8),
                None => (background.at(place), 0),
            };
            let noise: f32 = generator.random_range(-0.06..0.06);
            for (plane, value) in colour.iter().enumerate() {
                planes[plane * PIXELS * PIXELS + row * PIXELS + column] = shade(value + noise);
            }
            masks.push(class);
        }
    }
    images.extend(planes);
}

/// Two colours in stripes of a random direction and width.
struct Background {
    one: Colour,
    two: Colour,
    wave: (f32, f32),
}

impl Background {
    fn new(generator: &mut ChaCha8Rng) -> Self {
        let angle: f32 = generator.random_range(0.0..std::f32::consts::TAU);
        let frequency: f32 = generator.random_range(0.03..0.12);
        let (one, two) = (colour(generator), colour(generator));
        Self { one, two, wave: (angle.cos() * frequency, angle.sin() * frequency) }
    }

    fn at(&self, (x, y): (f32, f32)) -> Colour {
        let share = 0.5 + 0.5 * (x * self.wave.0 + y * self.wave.1).sin();
        mix(self.one, self.two, share)
    }
}

impl Shape {
    fn new(generator: &mut ChaCha8Rng) -> Self {
        let form = if generator.random_bool(0.5) { Form::Disc } else { Form::Box };
        let angle: f32 = generator.random_range(0.0..std::f32::consts::PI);
        Self {
            form,
            centre: (generator.random_range(12.0..116.0), generator.random_range(12.0..116.0)),
            half: (generator.random_range(9.0..26.0), generator.random_range(9.0..26.0)),
            turn: (angle.cos(), angle.sin()),
            colour: colour(generator),
            other: colour(generator),
        }
    }

    /// Where a place lies in the shape's own coordinates (-1..1 from edge to edge); `None` outside.
    fn covers(&self, (x, y): (f32, f32)) -> Option<(f32, f32)> {
        let (right, down) = (x - self.centre.0, y - self.centre.1);
        let u = (right * self.turn.0 + down * self.turn.1) / self.half.0;
        let v = (down * self.turn.0 - right * self.turn.1) / self.half.1;
        let inside = match self.form {
            Form::Disc => u * u + v * v <= 1.0,
            Form::Box => u.abs() <= 1.0 && v.abs() <= 1.0,
        };
        inside.then_some((u, v))
    }

    fn surface(&self, (u, v): (f32, f32)) -> Colour {
        match self.form {
            Form::Disc => mix(self.colour, self.other, (u * u + v * v).sqrt()),
            Form::Box => {
                let is_even = ((u * self.half.0 / 4.0).floor() + (v * self.half.1 / 4.0).floor()).rem_euclid(2.0) < 0.5;
                if is_even { self.colour } else { self.other }
            }
        }
    }
}

fn colour(generator: &mut ChaCha8Rng) -> Colour {
    std::array::from_fn(|_| generator.random_range(0.1..0.9))
}

fn mix(one: Colour, two: Colour, share: f32) -> Colour {
    std::array::from_fn(|plane| one[plane] + (two[plane] - one[plane]) * share)
}

#[expect(clippy::cast_precision_loss, reason = "a pixel's number is under 128")]
fn pixel(number: usize) -> f32 {
    number as f32
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=255 first")]
fn shade(value: f32) -> u8 {
    (value * 255.0).clamp(0.0, 255.0) as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn all_classes_appear_and_brightness_tells_none_of_them() {
        let (mut images, mut masks) = (Vec::new(), Vec::new());
        for seed in 0..60 {
            draw(&mut ChaCha8Rng::seed_from_u64(seed), &mut images, &mut masks);
        }
        let (mut sums, mut counts) = ([0_u64; 3], [0_u64; 3]);
        for (image, mask) in images.chunks(3 * PIXELS * PIXELS).zip(masks.chunks(PIXELS * PIXELS)) {
            for (pixel, class) in mask.iter().enumerate() {
                sums[usize::from(*class)] += u64::from(image[pixel]);
                counts[usize::from(*class)] += 1;
            }
        }
        let all: u64 = counts.iter().sum();
        assert!(counts.iter().all(|count| *count > all / 20), "{counts:?}");
        let means = std::array::from_fn::<_, 3, _>(|class| sums[class] / counts[class]);
        assert!(means.iter().all(|mean| mean.abs_diff(means[0]) < 16), "{means:?}");
    }
}
