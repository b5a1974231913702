"""Certificates of test servers."""

import ssl

import trustme


def certificate(folder, name):
    """Write a certificate for a host name or IP address, with its key and its CA, and return the file."""
    authority, file = trustme.CA(), folder / "certificate.pem"
    authority.issue_cert(name).private_key_and_cert_chain_pem.write_to_path(str(file))
    authority.cert_pem.write_to_path(str(file), append=True)
    return file


def tls(file):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context
