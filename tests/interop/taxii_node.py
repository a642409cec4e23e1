"""A live node with TAXII identities of every kind of right: what the conformance tests drive."""
import hashlib
import os
import subprocess
import sys

import requests

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..'))
sys.path.insert(0, os.path.join(ROOT, 'tests', 'bench'))
import live  # noqa: E402

TAXII = 'application/taxii+json;version=2.1'
PASSWORD = 'correct horse battery'
DATA = os.environ.get('BONGSU_DATA', os.path.join(ROOT, '..', 'shared', 'data'))


def certificate(base, name, extra=()):
    """A self-signed certificate; SHA-256 of its SubjectPublicKeyInfo."""
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2',
                    '-keyout', base / f'{name}.key', '-out', base / f'{name}.pem', '-subj', f'/CN={name}', *extra],
                   check=True, capture_output=True)
    key = subprocess.run(['openssl', 'pkey', '-in', base / f'{name}.key', '-pubout', '-outform', 'DER'], check=True,
                         capture_output=True).stdout
    return hashlib.sha256(key).hexdigest()


class Taxii:
    """kr, with the partner jp that takes part by TAXII alone."""

    def __init__(self, build, base):
        self.base = base
        self.kr = kr = live.Node(build, base, 'kr', 'KR')
        certificate(base, 'tls', ('-addext', 'subjectAltName=IP:127.0.0.1'))
        with open(kr.dir / 'bongsu.yaml', 'a', encoding='utf-8') as conf:
            conf.write(f'\ncertificate: {base}/tls.pem\ncertificate-key: {base}/tls.key\n'
                       'cors:\n  - https://console.example\n')
        (base / 'password').write_text(PASSWORD)
        kr.serve()
        kr.activate()
        kr.do('source', 'add', 'feed', '--assume', 'tlp:clear', '--because', 'made for this test', '--until', '2100-01-01')
        kr.do('source', 'add', 'other')
        kr.do('peer', 'add-taxii', 'jp', '--country', 'JP')
        kr.do('peer', 'start', 'jp')
        self.tokens = {'jp': kr.token('jp', '--audience', 'jp', '--password-file', str(base / 'password')),
                       'reader': kr.token('reader', '--audience', 'jp', '--read'),
                       'writer': kr.token('writer', '--audience', 'jp', '--submit'),
                       'other': kr.token('other', '--source', 'other', '--submit', '--workspace')}
        self.url = f'https://127.0.0.1:{kr.port}'

    def ask(self, method, path, who='jp', **more):
        headers = {'Accept': TAXII, **({'Authorization': f'Bearer {self.tokens[who]}'} if who else {}), **more.pop('headers', {})}
        headers = {name: value for name, value in headers.items() if value is not None}
        return requests.request(method, self.url + path, headers=headers, timeout=20, verify=str(self.base / 'tls.pem'), **more)

    def get(self, path, who='jp', **more):
        return self.ask('GET', path, who, **more)

    def post(self, body, collection='workspace', who='jp', **more):
        headers = {'Content-Type': TAXII, **more.pop('headers', {})}
        path = f'/api/collections/{collection}/objects/'
        content = {'json': body} if isinstance(body, dict) else {'data': body}
        return self.ask('POST', path, who, headers=headers, **content, **more)

    def objects(self, collection='workspace', who='jp', **params):
        """Every object of a collection, page by page."""
        found = []
        while True:
            page = self.get(f'/api/collections/{collection}/objects/', who, params=params).json()
            found += page.get('objects', [])
            if not page.get('more'):
                return found
            params = {**params, 'next': page['next']}
