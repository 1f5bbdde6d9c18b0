"""What lesson 6A checks."""


def attention_grows_with_the_square(answer):
    got = answer.block_flops(100, 1000, 64)
    assert got is not None, "block_flops returns nothing"
    assert got == 2 * 100 * 1000 + 4 * 100 * 100 * 64, f"got {got:g}"
    assert answer.block_flops(200, 0, 64) == 4 * answer.block_flops(100, 0, 64), "attention must grow fourfold"


def split_cells_were_encoded_too(answer):
    got = answer.encoded(48, [7, 14, 16])
    assert got is not None, "encoded returns nothing"
    assert got == 196, f"{got}, not 48 + 4 * 37 = 196; 159 would be the leaves"


def one_slow_round_does_not_count(answer):
    got = answer.speedup([4.0, 4.0, 40.0], [1.0, 1.0, 1.0])
    assert got is not None, "speedup returns nothing"
    assert got == 4.0, f"{got:g}: a mean would give 16, the median gives 4"


CHECKS = (attention_grows_with_the_square, split_cells_were_encoded_too, one_slow_round_does_not_count)
