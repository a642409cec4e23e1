"""A small TAXII 2.1 client for the demo's third country, which has no bongsu. Standard library only."""
import base64
import http.client
import json
import ssl
import time

MEDIA = 'application/taxii+json;version=2.1'
PAGES_MAX = 100
ED25519_HEAD = bytes.fromhex('302a300506032b6570032100')  # RFC 8410: what stands before the 32 bytes of the key


class Stranger(Exception):
    """The server is not who its card says."""


def card_key(card):
    """The TLS key that a node's card names."""
    return base64.b64decode(next(line[4:] for line in card.splitlines() if line.startswith('tls ')))


class Taxii:
    def __init__(self, port, token, card):
        self.port, self.token, self.key = port, token, card_key(card)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.context.check_hostname = False
        self.context.verify_mode = ssl.CERT_NONE  # the key is compared instead, before anything is sent

    def connect(self):
        connection = http.client.HTTPSConnection('127.0.0.1', self.port, timeout=30, context=self.context)
        connection.connect()
        if ED25519_HEAD + self.key not in connection.sock.getpeercert(binary_form=True):
            raise Stranger('the certificate does not hold the key of the card')
        return connection

    def request(self, path, body=None):
        headers = {'Accept': MEDIA, 'Authorization': f'Bearer {self.token}'}
        if body is not None:
            headers['Content-Type'] = MEDIA
        connection = self.connect()
        try:
            connection.request('GET' if body is None else 'POST', path, body, headers)
            answer = connection.getresponse()
            text = answer.read()
            if answer.status >= 300:
                raise Stranger(f'{path}: status {answer.status}: {text[:200].decode("utf-8", "replace")}')
            return json.loads(text or b'{}')
        finally:
            connection.close()

    def collection(self, alias):
        rows = self.request('/api/collections/').get('collections', [])
        return next(row['id'] for row in rows if row.get('alias') == alias)

    def submit(self, envelope):
        """POSTs to the inbox and waits for the status to be complete."""
        status = self.request(f'/api/collections/{self.collection("inbox")}/objects/', envelope)
        for _ in range(50):
            if status.get('status') == 'complete':
                break
            time.sleep(0.1)
            status = self.request(f'/api/status/{status["id"]}/')
        return status

    def read(self):
        """Every object of the release collection, page by page."""
        path, objects = f'/api/collections/{self.collection("release")}/objects/', []
        query = '?limit=100'
        for _ in range(PAGES_MAX):
            page = self.request(path + query)
            objects += page.get('objects', [])
            if not page.get('more'):
                break
            query = f'?limit=100&next={page["next"]}'
        return objects
