"""The door to weights: what is saved comes back, and whatever is wrong is refused in one line."""

import json
import time

import pytest
import safetensors.torch
import torch

from hw5 import zoo
from hw5.kit.checks import InputError
from hw5.models.dcgan import DCGAN
from hw5.models.projected import ProjectedDiscriminator
from hw5.models.stylegan2 import StyleGAN2
from hw5.models.world_features import WorldFeatures
from hw5.zoo import manifest, published, saved
from tests.tolerances import assert_close

CONFIG = {"image_size": 8, "z_dim": 4, "w_dim": 4, "channels": {"4": 4, "8": 3}}
CARD = {
    "what": 'a "tiny" network',
    "licence": "MIT",
    "command": "python -m hw5 train tiny",
    "fid": 7,
}


@pytest.fixture
def network() -> StyleGAN2:
    torch.manual_seed(0)
    return StyleGAN2(**CONFIG)


@pytest.fixture
def data(tmp_path, network):
    """A data folder with one bundled network, called tiny."""
    zoo.save("tiny", network, kind="stylegan2", config=CONFIG, card=CARD, data=tmp_path)
    return tmp_path


def file_of(data):
    return data / "weights" / "tiny.safetensors"


def rewrite(data, state: dict, **metadata: str) -> None:
    """Replace the tiny network's file by another one whose digest the manifest knows."""
    content = safetensors.torch.save(
        state, {"kind": "stylegan2", "config": json.dumps(CONFIG)} | metadata
    )
    file_of(data).write_bytes(content)
    entry = saved.entry_of("tiny", "stylegan2", CARD, content)
    manifest.register(entry, data)


def state_of(data) -> dict:
    return safetensors.torch.load_file(file_of(data))


def test_a_saved_network_comes_back_up_to_float16(data, network, rng):
    loaded = zoo.load("tiny", data=data)
    assert type(loaded) is StyleGAN2
    for name, value in network.state_dict().items():
        assert_close(loaded.state_dict()[name], value, "float16")
        assert loaded.state_dict()[name].dtype == torch.float32


def test_what_is_loaded_is_what_is_on_disk(data):
    loaded = zoo.load("tiny", data=data).state_dict()
    for name, value in state_of(data).items():
        assert_close(loaded[name], value.float(), "exact")


def test_a_loaded_network_is_ready_to_be_used_and_frozen(data):
    loaded = zoo.load("tiny", data=data)
    assert not loaded.training
    assert not any(p.requires_grad for p in loaded.parameters())
    assert loaded(torch.zeros(1, 4)).shape == (1, 3, 8, 8)


def test_two_loads_share_no_memory(data):
    first, second = zoo.load("tiny", data=data), zoo.load("tiny", data=data)
    first.mapping.w_avg.fill_(9)
    assert not second.mapping.w_avg.any()


def test_saving_does_not_change_the_network(network, tmp_path):
    before = {name: value.clone() for name, value in network.state_dict().items()}
    zoo.save("tiny", network, kind="stylegan2", config=CONFIG, card=CARD, data=tmp_path)
    assert network.synthesis.b4.const.dtype == torch.float32
    for name, value in network.state_dict().items():
        assert_close(value, before[name], "exact")


def test_weights_are_stored_in_half_precision(data):
    assert {value.dtype for value in state_of(data).values()} == {torch.float16}


def test_the_card_lies_beside_the_weights(data):
    assert zoo.card("tiny", data=data) == CARD


def test_the_manifest_tells_what_it_lists(data):
    entry = zoo.describe("tiny", data=data)
    assert (entry.kind, entry.what, entry.licence) == ("stylegan2", CARD["what"], "MIT")
    assert entry.origin == CARD["command"]
    assert entry.bytes == file_of(data).stat().st_size


def test_saving_again_replaces_the_entry_and_keeps_the_rest(data, network):
    manifest = data / "MANIFEST.toml"
    manifest.write_text("# a comment\n\n" + manifest.read_text() + '\n[[images]]\nname = "a"\n')
    for name in ("other", "tiny"):
        zoo.save(name, network, kind="stylegan2", config=CONFIG, card=CARD, data=data)
    text = manifest.read_text()
    assert text.startswith("# a comment\n")
    assert text.count('name = "tiny"') == 1
    assert '[[images]]\nname = "a"' in text
    assert zoo.names(data=data) == ("tiny", "other")
    zoo.load("tiny", data=data)


def test_nothing_but_the_results_is_left_in_the_folder(data):
    names = {p.name for p in data.rglob("*")}
    assert names == {"MANIFEST.toml", "weights", "tiny.safetensors", "tiny.json"}


def test_a_path_saves_and_loads_without_a_manifest(network, tmp_path):
    path = tmp_path / "run" / "snapshot.safetensors"
    zoo.save(path, network, kind="stylegan2", config=CONFIG, card={"step": 3})
    assert json.loads((tmp_path / "run" / "snapshot.json").read_text()) == {"step": 3}
    loaded = zoo.load(path)
    assert_close(loaded.synthesis.b4.const, network.synthesis.b4.const, "float16")


def test_a_projected_discriminator_comes_back_with_its_features(tmp_path, rng):
    features = {"num_outputs": 2, "widths": [4, 4, 4, 4], "head_width": 4}
    config = {
        "layers": ["conv1_2", "conv4_3"],
        "image_size": 32,
        "mix_channels": 4,
        "head_channels": 4,
    }
    torch.manual_seed(0)
    made = ProjectedDiscriminator(WorldFeatures(**features), **config).eval()
    path = tmp_path / "judge.safetensors"
    kind, config = "projected-discriminator", {"features": features, **config}
    zoo.save(path, made, kind=kind, config=config, card={})
    images = torch.rand(2, 3, 32, 32, generator=rng)
    torch.testing.assert_close(zoo.load(path)(images), made(images), rtol=0.01, atol=0.01)


def test_names_of_the_repository_include_networks_from_elsewhere():
    assert {"vgg19", "efficientnet-lite0"} <= set(zoo.names())
    assert zoo.describe("efficientnet-lite0").licence == "Apache-2.0"


def test_every_entry_of_the_repository_has_a_known_kind_and_a_matching_file():
    for name in zoo.names():
        entry = zoo.describe(name)
        assert entry.published or entry.kind in {**zoo.BUILDERS, **published.PACKAGED}
        assert entry.what
        assert entry.licence
        assert entry.origin
        if entry.file:
            assert not zoo.load(name).training
            assert zoo.card(name)


def test_an_unknown_name_is_answered_with_the_known_ones(data):
    with pytest.raises(InputError, match=r"tinny.*tiny"):
        zoo.load("tinny", data=data)


def test_a_missing_file_is_named(data):
    file_of(data).unlink()
    with pytest.raises(InputError, match=r"tiny\.safetensors.*no such file"):
        zoo.load("tiny", data=data)


def test_a_missing_path_is_named(tmp_path):
    with pytest.raises(InputError, match=r"absent\.safetensors.*no such file"):
        zoo.load(tmp_path / "absent.safetensors")


def test_a_truncated_file_is_refused(data):
    file_of(data).write_bytes(file_of(data).read_bytes()[:-10])
    with pytest.raises(InputError, match=r"tiny\.safetensors.*cut off"):
        zoo.load("tiny", data=data)


@pytest.mark.parametrize("length", [3, 8, 100, -10])
def test_a_truncated_path_without_digest_is_refused(data, length):
    cut = data / "cut.safetensors"
    cut.write_bytes(file_of(data).read_bytes()[:length])
    with pytest.raises(InputError, match=r"cut\.safetensors.*cut off"):
        zoo.load(cut)


def test_a_changed_byte_is_refused(data):
    content = bytearray(file_of(data).read_bytes())
    content[-1] ^= 1
    file_of(data).write_bytes(content)
    with pytest.raises(InputError, match=r"tiny\.safetensors.*SHA-256"):
        zoo.load("tiny", data=data)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_a_weight_that_is_no_number_is_named(data, bad):
    state = state_of(data)
    state["mapping.fc0.bias"][1] = bad
    rewrite(data, state)
    with pytest.raises(InputError, match=r"mapping\.fc0\.bias.*finite"):
        zoo.load("tiny", data=data)


def test_a_missing_weight_is_refused(data):
    state = state_of(data)
    del state["synthesis.b4.const"]
    rewrite(data, state)
    with pytest.raises(InputError, match=r"do not fit.*synthesis\.b4\.const"):
        zoo.load("tiny", data=data)


def test_a_weight_of_another_shape_is_refused(data):
    state = state_of(data)
    state["synthesis.b4.const"] = torch.zeros(9, 4, 4)
    rewrite(data, state)
    with pytest.raises(InputError, match=r"do not fit.*synthesis\.b4\.const"):
        zoo.load("tiny", data=data)


@pytest.mark.parametrize(
    ("metadata", "names"),
    [
        ({"kind": "dcgan"}, "expected weights of a stylegan2, got of a dcgan"),
        ({"config": "{"}, "not a file of weights"),
        ({"config": '{"colour": 3}'}, "colour"),
        ({"config": '{"image_size": 48}'}, r"tiny\.safetensors.*48"),
        ({"config": "[]"}, r"tiny\.safetensors.*arguments by name"),
        ({"config": '{"z_dim": 0}'}, "z_dim: expected a whole number from 1"),
        ({"config": '{"num_mapping_layers": 1000000000}'}, "num_mapping_layers.*to 32"),
        ({"config": '{"num_mapping_layers": true}'}, "num_mapping_layers.*to 32"),
        ({"config": '{"image_size": 64.0}'}, "image_size: expected a whole number"),
        ({"config": '{"conv_clamp": -1}'}, "conv_clamp: expected a number"),
        ({"config": '{"conv_clamp": NaN}'}, "conv_clamp: expected a number"),
        ({"config": '{"mapping_lr_multiplier": 0}'}, "mapping_lr_multiplier: expected a number"),
        ({"config": '{"channels": {"8": 99999}}'}, "channels: 8: expected"),
        ({"config": '{"channels": [1, 2]}'}, r"tiny\.safetensors.*do not fit"),
        ({"config": "[" * 100_000}, "not a file of weights"),
    ],
)
def test_a_wrong_description_inside_the_file_is_refused(data, metadata, names):
    rewrite(data, state_of(data), **metadata)
    with pytest.raises(InputError, match=names):
        zoo.load("tiny", data=data)


def test_a_plain_safetensors_file_is_refused(tmp_path):
    path = tmp_path / "plain.safetensors"
    safetensors.torch.save_file({"a": torch.zeros(2)}, path)
    with pytest.raises(InputError, match=r"zoo\.save did not write it"):
        zoo.load(path)


@pytest.mark.parametrize(
    "text", ["[[weights]\n", '[[weights]]\nkind = "dcgan"\n', "weights = 3\n", "\xff"]
)
def test_a_broken_manifest_is_named(tmp_path, text):
    (tmp_path / "MANIFEST.toml").write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError, match=r"MANIFEST\.toml"):
        zoo.names(data=tmp_path)


@pytest.mark.parametrize("value", [float("nan"), 1e6])
def test_weights_that_half_precision_cannot_hold_are_not_saved(network, tmp_path, value):
    network.mapping.w_avg.fill_(value)
    with pytest.raises(InputError, match=r"mapping\.w_avg"):
        zoo.save("tiny", network, kind="stylegan2", config=CONFIG, card=CARD, data=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_configuration_that_does_not_rebuild_the_network_is_not_saved(network, tmp_path):
    with pytest.raises(InputError, match="do not fit"):
        zoo.save("tiny", network, kind="stylegan2", config={}, card=CARD, data=tmp_path)
    with pytest.raises(InputError, match="do not fit"):
        zoo.save("tiny", DCGAN(), kind="stylegan2", config=CONFIG, card=CARD, data=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_kind_is_not_saved(network, tmp_path):
    with pytest.raises(InputError, match=r"kind.*stylegan2"):
        zoo.save("tiny", network, kind="stylegan9", config=CONFIG, card=CARD, data=tmp_path)


def test_every_message_is_one_line(data):
    state = state_of(data)
    state.pop("synthesis.b4.const"), state.pop("mapping.w_avg")
    rewrite(data, state)
    with pytest.raises(InputError) as caught:
        zoo.load("tiny", data=data)
    assert "\n" not in str(caught.value)


def test_loading_takes_no_random_numbers_from_anybody_else(data):
    before = torch.get_rng_state()
    zoo.load("tiny", data=data)
    assert torch.equal(torch.get_rng_state(), before)


def at_a_path(tmp_path, state, config):
    path = tmp_path / "net.safetensors"
    metadata = {"kind": "stylegan2", "config": json.dumps(config)}
    path.write_bytes(safetensors.torch.save(state, metadata))
    return path


@pytest.mark.parametrize(
    "config",
    [
        {"image_size": 2048, "channels": {str(2**i): 900 for i in range(2, 12)}},
        {"z_dim": 8000, "w_dim": 8000, "num_mapping_layers": 32},
    ],
)
def test_a_small_file_that_describes_a_huge_network_takes_no_memory(tmp_path, config):
    path = at_a_path(tmp_path, {"x": torch.zeros(1)}, config)
    began = time.process_time()
    with pytest.raises(InputError, match="a network of about 1 numbers"):
        zoo.load(path)
    assert time.process_time() - began < 20  # drawing its weights takes minutes


@pytest.mark.parametrize("kind", [torch.int32, torch.bool, torch.complex64])
def test_weights_that_are_no_floating_numbers_are_refused(tmp_path, network, kind):
    state = network.state_dict()
    state["synthesis.b8.conv0.weight"] = state["synthesis.b8.conv0.weight"].to(kind)
    with pytest.raises(InputError, match=r"synthesis\.b8\.conv0\.weight: expected weights"):
        zoo.load(at_a_path(tmp_path, state, CONFIG))


def test_a_page_with_the_ending_of_weights_is_recognised(tmp_path):
    path = tmp_path / "net.safetensors"
    path.write_bytes(b"<!DOCTYPE html><html><title>Quota exceeded</title></html>")
    with pytest.raises(InputError, match="a web page"):
        zoo.load(path)


def test_a_cut_file_whose_header_begins_like_a_pickle_is_told_to_be_cut(tmp_path):
    header = b'{"__metadata__":{}}'.ljust(0x80)
    path = tmp_path / "net.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header[:-9])
    with pytest.raises(InputError, match="cut off"):
        zoo.load(path)


@pytest.mark.parametrize("start", [b"\x80\x04", b"PK\x03\x04"])
def test_a_pickle_with_the_ending_of_safetensors_is_told_its_own(tmp_path, start):
    path = tmp_path / "network.safetensors"
    path.write_bytes(start + bytes(200))
    with pytest.raises(InputError, match=r"the ending \.pkl or \.pt"):
        zoo.load(path)
