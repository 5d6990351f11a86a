"""Signed model packages: who may hand them out, and what is refused."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from edge_agent import agent, cli
from edge_agent.errors import ConfigError, ModelPackageError
from edge_agent.io import runtime
from edge_agent.io.model_package import load_package
from edge_agent.settings import Settings
from quantize.cli import main as quantize

REASON = "cryptography (extra [sign]) is not installed"
ec = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.ec", reason=REASON)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: E402
from cryptography.hazmat.primitives.serialization import (  # noqa: E402
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

SHIPPED = Path(runtime.__file__).parents[1] / "models" / "sensor-lstm"


class Keys:
    """A pair of PEM files."""

    def __init__(self, folder, key, encryption=None):
        folder.mkdir()
        self.private, self.public = folder / "private.pem", folder / "public.pem"
        self.private.write_bytes(
            key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption())
        )
        self.public.write_bytes(
            key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        )


@pytest.fixture
def keys(tmp_path):
    return Keys(tmp_path / "ours", Ed25519PrivateKey.generate())


@pytest.fixture
def others(tmp_path):
    return Keys(tmp_path / "theirs", Ed25519PrivateKey.generate())


@pytest.fixture
def unsigned(tmp_path):
    return Path(shutil.copytree(SHIPPED, tmp_path / "package"))


@pytest.fixture
def package(unsigned, keys):
    assert quantize(["sign", str(unsigned), "--key", str(keys.private)]) == 0
    return unsigned


def refused(package, key, error=ModelPackageError):
    with pytest.raises(error) as caught:
        load_package(package, key)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_package_signed_with_our_key_loads_and_runs(package, keys):
    assert load_package(package, keys.public).manifest.name == "sensor-lstm"
    assert runtime.verify_in_subprocess(package, keys.public) is None


def test_an_unsigned_package_is_refused(unsigned, keys):
    assert refused(unsigned, keys.public) == (
        f"{unsigned}: not signed: SHA256SUMS.sig is missing, and {keys.public} is demanded"
    )


def test_a_package_signed_with_another_key_is_refused(package, others):
    assert f"not a signature of these sums by the key of {others.public}" in refused(
        package, others.public
    )


@pytest.mark.parametrize("signature", [b"", b"\x00" * 64, b"too long " * 20])
def test_a_signature_that_is_none_is_refused(package, keys, signature):
    (package / "SHA256SUMS.sig").write_bytes(signature)
    assert "SHA256SUMS.sig: not a signature" in refused(package, keys.public)


def test_a_file_exchanged_together_with_its_sum_is_refused(package, keys):
    sums = package / "SHA256SUMS"
    before = hashlib.sha256((package / "selftest.json").read_bytes()).hexdigest()
    (package / "selftest.json").write_text("{}")
    after = hashlib.sha256(b"{}").hexdigest()
    sums.write_text(sums.read_text().replace(before, after))
    assert "SHA256SUMS.sig: not a signature" in refused(package, keys.public)


def test_a_file_altered_after_the_signature_is_refused(package, keys):
    (package / "model.onnx").write_bytes(b"")
    assert "model.onnx: altered" in refused(package, keys.public)


def test_without_a_key_no_signature_is_asked_for(package):
    (package / "SHA256SUMS.sig").write_bytes(b"whatever")
    assert load_package(package).manifest.name == "sensor-lstm"


def test_the_self_test_refuses_what_the_agent_refuses(unsigned, keys):
    assert "not signed" in runtime.verify_in_subprocess(unsigned, keys.public)


@pytest.mark.parametrize("content", [b"", b"-----BEGIN PUBLIC KEY-----\nAAAA\n"])
def test_a_key_file_that_holds_no_key_is_a_wrong_setting(package, tmp_path, content):
    (tmp_path / "key.pem").write_bytes(content)
    reason = refused(package, tmp_path / "key.pem", ConfigError)
    assert reason.endswith("key.pem is not a public key in PEM")


def test_a_private_key_is_no_public_one(package, keys):
    assert "is not a public key" in refused(package, keys.private, ConfigError)


def test_a_key_of_another_kind_is_a_wrong_setting(package, tmp_path):
    curve = Keys(tmp_path / "ec", ec.generate_private_key(ec.SECP256R1()))
    assert "is not an Ed25519 key" in refused(package, curve.public, ConfigError)


def test_a_key_file_that_is_not_there_is_a_wrong_setting(package, tmp_path):
    reason = refused(package, tmp_path / "none.pem", ConfigError)
    assert reason.endswith("none.pem cannot be read: No such file or directory")


def test_a_key_without_the_library_says_what_to_install(package, keys, monkeypatch):
    monkeypatch.setitem(sys.modules, "cryptography.exceptions", None)
    reason = refused(package, keys.public, ConfigError)
    assert "run: pip install 'edge-agent[sign]'" in reason
    assert load_package(package).manifest.name == "sensor-lstm"


def test_the_agent_that_demands_signatures_does_not_start_with_an_unsigned_package(
    package, keys, monkeypatch, capsys
):
    monkeypatch.setenv("EDGE_AGENT_MODEL_PUBLIC_KEY", str(keys.public))
    monkeypatch.setenv("EDGE_AGENT_SENSOR_MODEL", str(package))  # the log model is the shipped one
    assert cli.main(["check"]) == 78
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert "log-albert: not signed" in said[0]


def test_the_agent_blames_a_wrong_key_and_not_a_package(tmp_path):
    with pytest.raises(ConfigError, match=r"none\.pem cannot be read"):
        agent.check(Settings(model_public_key=tmp_path / "none.pem"))


def test_classify_demands_the_signature_as_the_daemon_does(keys, monkeypatch, capsys):
    monkeypatch.setenv("EDGE_AGENT_MODEL_PUBLIC_KEY", str(keys.public))
    assert cli.main(["classify", "/dev/null"]) == 78
    assert "log-albert: not signed" in capsys.readouterr().err


def test_a_signature_made_with_openssl_is_as_good(unsigned, keys):
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl on PATH")
    command = [openssl, "pkeyutl", "-sign", "-rawin", "-inkey", keys.private]
    files = ["-in", unsigned / "SHA256SUMS", "-out", unsigned / "SHA256SUMS.sig"]
    subprocess.run([*command, *files], check=True)
    assert load_package(unsigned, keys.public).manifest.name == "sensor-lstm"


def test_verify_takes_the_key_too(package, keys, others, capsys):
    assert quantize(["verify", str(package), "--key", str(keys.public)]) == 0
    assert "so does the signature" in capsys.readouterr().out
    assert quantize(["verify", str(package), "--key", str(others.public)]) == 1
    assert "not a signature of these sums" in capsys.readouterr().err


def test_an_altered_package_is_not_signed(unsigned, keys, capsys):
    (unsigned / "model.onnx").write_bytes(b"")
    assert quantize(["sign", str(unsigned), "--key", str(keys.private)]) == 1
    assert "model.onnx: altered" in capsys.readouterr().err
    assert not (unsigned / "SHA256SUMS.sig").exists()


def test_a_key_that_cannot_sign_is_named(unsigned, keys, tmp_path, capsys):
    ours = Ed25519PrivateKey.generate()
    locked = Keys(tmp_path / "locked", ours, BestAvailableEncryption(b"secret"))
    curve = Keys(tmp_path / "curve", ec.generate_private_key(ec.SECP256R1()))
    for file, reason in [
        (keys.public, "not a private key without password"),
        (locked.private, "not a private key without password"),
        (curve.private, "not an Ed25519 key"),
        (tmp_path / "none.pem", "cannot be read"),
    ]:
        assert quantize(["sign", str(unsigned), "--key", str(file)]) == 1
        assert f"{file}: {reason}" in capsys.readouterr().err
    assert not (unsigned / "SHA256SUMS.sig").exists()


def test_signing_without_the_library_says_what_to_install(unsigned, keys, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "cryptography.exceptions", None)
    assert quantize(["sign", str(unsigned), "--key", str(keys.private)]) == 1
    assert "pip install edge-agent[sign]" in capsys.readouterr().err
