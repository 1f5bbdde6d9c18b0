"""What lesson 6C checks."""


def every_batch_has_one_process(answer):
    shares = [answer.mine(range(10, 18), rank, 4) for rank in range(4)]
    assert None not in shares, "mine returns nothing"
    assert shares[1] == [11, 15], f"process 1 takes {shares[1]}, not [11, 15]"
    assert sorted(sum(shares, [])) == list(range(10, 18)), "each number belongs to one process"


def all_have_the_mean(answer):
    got = answer.all_reduced([[1.0, 4.0], [3.0, 0.0]])
    assert got is not None, "all_reduced returns nothing"
    assert list(got) == [2.0, 2.0], f"{got}, not [2, 2]"


def inner_stages_do_not_count_twice(answer):
    got = answer.self_times([("select", 0.0, 10.0), ("encode", 1.0, 4.0), ("attend", 5.0, 7.0), ("decode", 10.0, 12.0)])
    assert got is not None, "self_times returns nothing"
    assert got == {"select": 5.0, "encode": 3.0, "attend": 2.0, "decode": 2.0}, f"got {got}"


CHECKS = (every_batch_has_one_process, all_have_the_mean, inner_stages_do_not_count_twice)
