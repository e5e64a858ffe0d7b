"""A CA and certificates by the openssl command, for tests of TLS: make(directory) writes

    ca.pem, stranger-ca.pem        two CAs
    server.pem                     for localhost and 127.0.0.1
    client.pem                     "CN=compat client,O=Posthorn test"
    unknown.pem                    of the same CA, for a name no user has
    stranger.pem                   the client's name, by the other CA

each with a .key beside it, the clients' in a .p12 as well."""
import subprocess
from pathlib import Path

CLIENT = "CN=compat client,O=Posthorn test"
P12_PASSWORD = "secret"


def openssl(*words, cwd, text=None):
    done = subprocess.run(["openssl", *words], cwd=cwd, input=text, text=True, capture_output=True)
    if done.returncode != 0:
        raise RuntimeError(f"openssl {' '.join(words)}: {done.stderr}")


def authority(directory, name, common_name):
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", f"/O=Posthorn test/CN={common_name}",
            "-keyout", f"{name}.key", "-out", f"{name}.pem", cwd=directory)


def signed(directory, name, common_name, ca="ca", purpose="clientAuth", more=(), days="30"):
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/O=Posthorn test/CN={common_name}",
            "-keyout", f"{name}.key", "-out", f"{name}.csr", cwd=directory)
    lines = ["basicConstraints=critical,CA:FALSE", f"extendedKeyUsage={purpose}", *more]
    (Path(directory) / f"{name}.ext").write_text("\n".join(lines) + "\n")
    openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{ca}.pem", "-CAkey", f"{ca}.key", "-CAcreateserial",
            "-days", days, "-extfile", f"{name}.ext", "-out", f"{name}.pem", cwd=directory)


def make(directory):
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    authority(directory, "ca", "compat CA")
    authority(directory, "stranger-ca", "stranger CA")
    signed(directory, "server", "localhost", purpose="serverAuth",
           more=["subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1"])
    signed(directory, "client", "compat client")
    signed(directory, "unknown", "nobody knows me")
    signed(directory, "stranger", "compat client", ca="stranger-ca")
    for name in ("client", "unknown"):
        openssl("pkcs12", "-export", "-inkey", f"{name}.key", "-in", f"{name}.pem", "-out", f"{name}.p12", "-passout",
                f"pass:{P12_PASSWORD}", cwd=directory)
    return directory
