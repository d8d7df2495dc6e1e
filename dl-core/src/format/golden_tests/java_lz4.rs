//! The LZ4 encoder of lz4-java, so that its blocks can be made again from what went in.

/// Inputs shorter than this are one run of literals.
const SHORTEST_BYTES: usize = 13;
/// No match starts within so many bytes of the end, …
const LAST_MATCH_START: usize = 12;
/// … and none reaches into the last ones.
const LAST_LITERALS: usize = 5;
const MIN_MATCH: usize = 4;
/// From this input length on, positions no longer fit into 16 bits: another table, and a bounded distance.
const FAR_BYTES: usize = 65_547;
const MAX_DISTANCE: usize = 65_535;

/// The block that lz4-java's fast compressor makes.
pub(super) fn compress(input: &[u8]) -> Vec<u8> {
    let mut block = Vec::new();
    let anchor = if input.len() < SHORTEST_BYTES { 0 } else { Search::new(input).sequences(&mut block) };
    literals(&mut block, &input[anchor..], 0);
    block
}

struct Search<'a> {
    input: &'a [u8],
    table: Vec<usize>,
    shift: u32,
    far: bool,
}

impl<'a> Search<'a> {
    fn new(input: &'a [u8]) -> Self {
        let far = input.len() >= FAR_BYTES;
        let log = if far { 12 } else { 13 };
        Self { input, table: vec![0; 1 << log], shift: 32 - log, far }
    }

    /// Writes every sequence with a match, and says where the literals behind the last one begin.
    fn sequences(mut self, block: &mut Vec<u8>) -> usize {
        let limit = self.input.len() - LAST_MATCH_START;
        let mut anchor = 0;
        let mut from = 1;
        while let Some((found, earlier)) = self.find(from, limit) {
            let back = self.common_before(found, earlier, anchor);
            let (mut at, mut earlier) = (found - back, earlier - back);
            loop {
                let length = MIN_MATCH + self.common_after(at + MIN_MATCH, earlier + MIN_MATCH);
                literals(block, &self.input[anchor..at], length - MIN_MATCH);
                matched(block, at - earlier, length - MIN_MATCH);
                at += length;
                anchor = at;
                if at > limit {
                    return anchor;
                }
                self.store(at - 2);
                match self.probe(at) {
                    Some(again) => earlier = again,
                    None => break,
                }
            }
            from = at + 1;
        }
        anchor
    }

    /// The next place with a match, looking at fewer places the longer there is none.
    fn find(&mut self, from: usize, limit: usize) -> Option<(usize, usize)> {
        let mut probes = 64;
        let mut step = 1;
        let mut next = from;
        loop {
            let at = next;
            next += step;
            step = probes >> 6;
            probes += 1;
            if next > limit {
                return None;
            }
            if let Some(earlier) = self.probe(at) {
                return Some((at, earlier));
            }
        }
    }

    /// Whether the last place with the same hash has the same four bytes; stores this place.
    fn probe(&mut self, at: usize) -> Option<usize> {
        let earlier = self.store(at);
        let near = !self.far || at - earlier <= MAX_DISTANCE;
        (near && self.input[earlier..earlier + MIN_MATCH] == self.input[at..at + MIN_MATCH])
            .then_some(earlier)
    }

    fn store(&mut self, at: usize) -> usize {
        let word: [u8; MIN_MATCH] = self.input[at..at + MIN_MATCH].try_into().unwrap();
        let hash = u32::from_le_bytes(word).wrapping_mul(2_654_435_761) >> self.shift;
        std::mem::replace(&mut self.table[hash as usize], at)
    }

    fn common_before(&self, at: usize, earlier: usize, anchor: usize) -> usize {
        let pending = self.input[anchor..at].iter().rev();
        pending.zip(self.input[..earlier].iter().rev()).take_while(|(a, b)| a == b).count()
    }

    fn common_after(&self, at: usize, earlier: usize) -> usize {
        let end = self.input.len() - LAST_LITERALS;
        self.input[at..end].iter().zip(&self.input[earlier..]).take_while(|(a, b)| a == b).count()
    }
}

/// A token, and the literals in front of a match.
fn literals(block: &mut Vec<u8>, run: &[u8], match_over_four: usize) {
    block.push((run.len().min(15) << 4 | match_over_four.min(15)) as u8);
    extend_length(block, run.len());
    block.extend_from_slice(run);
}

fn matched(block: &mut Vec<u8>, distance: usize, match_over_four: usize) {
    block.extend_from_slice(&(distance as u16).to_le_bytes());
    extend_length(block, match_over_four);
}

/// What a length has beyond the 15 that fit into the token.
fn extend_length(block: &mut Vec<u8>, length: usize) {
    let Some(rest) = length.checked_sub(15) else { return };
    block.extend(std::iter::repeat_n(255, rest / 255));
    block.push((rest % 255) as u8);
}
