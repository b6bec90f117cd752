"""Ctrl-C is a question within the block, an error at the second time, and as before outside."""

import signal
import threading

import pytest

from hw5.kit.stopping import Stop


@pytest.fixture(autouse=True)
def usual():
    """Python's own meaning of Ctrl-C, also where the tests run in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def press() -> None:
    signal.raise_signal(signal.SIGINT)


def test_the_first_ctrl_c_is_an_answer():
    with Stop() as should_stop:
        assert not should_stop()
        press()
        assert should_stop()


def test_the_second_ctrl_c_is_an_error():
    with pytest.raises(KeyboardInterrupt), Stop():
        press()
        press()


@pytest.mark.parametrize("error", [None, ZeroDivisionError])
def test_after_the_block_ctrl_c_is_as_before(error):
    try:
        with Stop():
            if error:
                raise error
    except ZeroDivisionError:
        pass
    with pytest.raises(KeyboardInterrupt):
        press()


def test_where_ctrl_c_is_ignored_it_stays_so():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with Stop() as should_stop:
        press()
        press()
        assert not should_stop()
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_a_thread_changes_nothing():
    answers = []

    def work():
        with Stop() as should_stop:
            answers.append((should_stop(), signal.getsignal(signal.SIGINT)))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert answers == [(False, signal.default_int_handler)]
