import { describe, expect, it } from 'vitest';
import { type AllowedTargets, addressProblem, targetProblem, urlProblem } from './url-policy.js';

const PUBLIC_ONLY: AllowedTargets = { networks: [], ports: [] };
const allowing = (...networks: string[]): AllowedTargets => ({ networks, ports: [] });

describe('an address that is refused', () => {
  it.each([
    // The union of the lists that the other platforms publish, each range at its first and last address.
    ['0.0.0.0', 'unspecified'],
    ['0.255.255.255', 'unspecified'],
    ['10.0.0.0', 'private'],
    ['10.255.255.255', 'private'],
    ['100.64.0.0', 'carrier-grade NAT'],
    ['100.100.100.200', 'carrier-grade NAT'],
    ['100.127.255.255', 'carrier-grade NAT'],
    ['127.0.0.1', 'loopback'],
    ['127.255.255.255', 'loopback'],
    ['169.254.0.0', 'link-local'],
    ['169.254.169.254', 'link-local'],
    ['169.254.255.255', 'link-local'],
    ['172.16.0.0', 'private'],
    ['172.31.255.255', 'private'],
    ['192.0.0.0', 'reserved'],
    ['192.0.0.192', 'reserved'],
    ['192.0.0.255', 'reserved'],
    ['192.0.2.0', 'reserved'],
    ['192.0.2.255', 'reserved'],
    ['192.88.99.0', 'reserved'],
    ['192.88.99.255', 'reserved'],
    ['192.168.0.0', 'private'],
    ['192.168.255.255', 'private'],
    ['198.18.0.0', 'reserved'],
    ['198.19.255.255', 'reserved'],
    ['198.51.100.0', 'reserved'],
    ['198.51.100.255', 'reserved'],
    ['203.0.113.0', 'reserved'],
    ['203.0.113.255', 'reserved'],
    ['224.0.0.0', 'multicast'],
    ['239.255.255.255', 'multicast'],
    ['240.0.0.0', 'reserved'],
    ['255.255.255.254', 'reserved'],
    ['255.255.255.255', 'broadcast'],
    ['168.63.129.16', "a cloud's own service"],
    ['::', 'unspecified'],
    ['::1', 'loopback'],
    ['::2', 'not assigned'],
    ['ff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'not assigned'],
    ['100::', 'discard'],
    ['100::ffff:ffff:ffff:ffff', 'discard'],
    ['100:0:0:1::1', 'not assigned'],
    ['1fff:ffff::1', 'not assigned'],
    ['2001:2::1', 'benchmarking'],
    ['2001:10::1', 'ORCHID'],
    ['2001:1ff:ffff::1', 'reserved'],
    ['2001:db8::', 'reserved'],
    ['2001:db8:ffff:ffff:ffff:ffff:ffff:ffff', 'reserved'],
    ['3fff::', 'reserved'],
    ['3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff', 'reserved'],
    ['4000::1', 'not assigned'],
    ['5f00::1', 'segment routing'],
    ['fc00::', 'unique local'],
    ['fd00:ec2::254', 'unique local'],
    ['fdff:ffff::1', 'unique local'],
    ['fe00::1', 'not assigned'],
    ['fe80::1', 'link-local'],
    ['fe80::1%eth0', 'link-local'],
    ['febf::1', 'link-local'],
    ['fec0::1', 'site-local'],
    ['ff02::1', 'multicast'],
    ['ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'multicast'],
    // Forms that carry an IPv4 address.
    ['::ffff:10.0.0.1', 'private'],
    ['::ffff:7f00:1', 'loopback'],
    ['::ffff:169.254.169.254', 'link-local'],
    ['::10.0.0.1', 'not assigned'],
    ['::8.8.8.8', 'not assigned'],
    ['::ffff:0:8.8.8.8', 'IPv4-translated'],
    ['64:ff9b::10.0.0.1', 'NAT64'],
    ['64:ff9b::8.8.8.8', 'NAT64'],
    ['64:ff9b:1::8.8.8.8', 'NAT64'],
    ['64:ff9b:1:ffff:ffff:ffff:ffff:ffff', 'NAT64'],
    ['2002:7f00:1::', '6to4'],
    ['2002:808:808::1', '6to4'],
    ['2001:0:4136:e378:8000:63bf:3fff:fdd2', 'Teredo'],
    ['2606:4700::5efe:10.0.0.1', '10.0.0.1 is not a public address (private)'],
    ['2606:4700::200:5efe:a00:1', '10.0.0.1 is not a public address (private)'],
  ])('%s: %s', (address, words) => {
    expect(addressProblem(address, PUBLIC_ONLY)).toContain(words);
  });

  it.each([
    '',
    'localhost',
    '2130706433',
    '0x7f.1',
    '0177.0.0.1',
    '127.1',
    '10.0.0.1.',
    '[::1]',
    '1.1.1.1/0',
    '1.1.1.1 ',
  ])('%j: it is not spelled as an address is, so it cannot have come from DNS or a URL', (address) =>
    expect(addressProblem(address, allowing('0.0.0.0/0', '::/0'))).toContain('not an IP address'),
  );
});

describe('an address that is allowed', () => {
  it.each([
    // The neighbours of the refused ranges.
    '1.0.0.0',
    '8.8.8.8',
    '9.255.255.255',
    '11.0.0.0',
    '100.63.255.255',
    '100.128.0.0',
    '126.255.255.255',
    '128.0.0.0',
    '169.253.255.255',
    '169.255.0.0',
    '172.15.255.255',
    '172.32.0.0',
    '192.0.1.0',
    '192.167.255.255',
    '192.169.0.0',
    '198.17.255.255',
    '198.20.0.0',
    '223.255.255.255',
    '168.63.129.15',
    '168.63.129.17',
    '2001:200::1',
    '2001:4860:4860::8888',
    '2606:4700:4700::1111',
    '2a00:1450::1',
    '3ffe::1',
    '::ffff:8.8.8.8',
  ])('%s is public', (address) => {
    expect(addressProblem(address, PUBLIC_ONLY)).toBeNull();
  });

  it.each([
    ['10.1.2.3', '10.1.0.0/16', true],
    ['10.2.0.0', '10.1.0.0/16', false],
    ['::ffff:10.1.2.3', '10.1.0.0/16', true],
    ['fd12::1', 'fd12::/16', true],
    ['fd13::1', 'fd12::/16', false],
    ['10.1.2.3', '::/0', false],
    ['fd12::1', '0.0.0.0/0', false],
    ['127.0.0.1', '127.0.0.1/32', true],
    ['127.0.0.2', '127.0.0.1/32', false],
  ])('%s where the operator allows %s: %s', (address, network, expected) => {
    expect(addressProblem(address, allowing(network)) === null).toBe(expected);
  });

  it.each([
    ['64:ff9b::8.8.8.8', ['64:ff9b::/96'], true],
    ['64:ff9b::10.0.0.1', ['64:ff9b::/96'], false],
    ['64:ff9b::10.0.0.1', ['64:ff9b::/96', '10.0.0.0/8'], true],
    ['64:ff9b::10.0.0.1', ['10.0.0.0/8'], false],
    ['64:ff9b:1::8.8.8.8', ['64:ff9b:1::/48'], true],
    ['64:ff9b:1::169.254.169.254', ['64:ff9b:1::/48'], false],
    // 10.0.0.1 in the /48 form of RFC 6052 §2.2.
    ['64:ff9b:1:a00:0:100::', ['64:ff9b:1::/48'], false],
    ['2002:808:808::1', ['2002::/16'], true],
    ['2002:a00:1::1', ['2002::/16'], false],
    // Teredo: server 65.54.227.120 and client 192.0.2.45; then a public client; then a private server.
    ['2001:0:4136:e378:8000:63bf:3fff:fdd2', ['2001::/32'], false],
    ['2001:0:4136:e378:8000:63bf:f7f7:f7f7', ['2001::/32'], true],
    ['2001:0:a00:1:8000:63bf:f7f7:f7f7', ['2001::/32'], false],
    ['::ffff:0:10.0.0.1', ['::/0'], false],
    ['::ffff:0:8.8.8.8', ['::/0'], true],
    ['::10.0.0.1', ['::/0'], false],
  ])('%s where %j is allowed: %s, by what it carries', (address, networks, expected) => {
    expect(addressProblem(address, allowing(...networks)) === null).toBe(expected);
  });
});

describe('a URL that is refused', () => {
  it.each([
    // Spellings of loopback and private addresses, as inet_aton and browsers read them.
    ['http://127.0.0.1/', 'loopback'],
    ['http://127.0.0.1./', 'loopback'],
    ['http://127.1/', 'loopback'],
    ['http://0x7f.1/', 'loopback'],
    ['http://0x7f000001/', 'loopback'],
    ['http://0X7F.0x0.0x0.0x1/', 'loopback'],
    ['http://2130706433/', 'loopback'],
    ['http://017700000001/', 'loopback'],
    ['http://0177.0.0.1/', 'loopback'],
    ['http://127%2e0%2e0%2e1/', 'loopback'],
    ['http://１２７．０．０．１/', 'loopback'],
    ['http://①②⑦.0.0.1/', 'loopback'],
    ['http://0/', 'unspecified'],
    ['http://0x0a000001/', 'private'],
    ['http://167772161/', 'private'],
    ['http://012.1/', 'private'],
    ['http://2852039166/latest/meta-data', 'link-local'],
    ['http://[::1]/', 'loopback'],
    ['http://[0:0:0:0:0:0:0:1]/', 'loopback'],
    ['http://[::ffff:127.0.0.1]/', 'loopback'],
    ['http://[::ffff:7f00:1]/', 'loopback'],
    ['http://[64:ff9b::7f00:1]/', 'NAT64'],
    // Names.
    ['http://localhost/', 'loopback'],
    ['http://LOCALHOST/', 'loopback'],
    ['http://localhost./', 'loopback'],
    ['http://loc\u00adalhost/', 'loopback'],
    ['http://app.localhost/', 'loopback'],
    ['http://metadata.google.internal/computeMetadata/v1/', 'metadata service'],
    ['http://METADATA.google.internal./', 'metadata service'],
    ['http://metadata/', 'metadata service'],
    ['http://metadata.goog/', 'metadata service'],
    ['http://instance-data/latest', 'metadata service'],
    ['http://instance-data.ec2.internal/', 'metadata service'],
    ['http://metadata.tencentyun.com/', 'metadata service'],
    ['http://redis/', 'name of private networks'],
    ['http://n8n.internal/', 'name of private networks'],
    ['http://printer.local/', 'name of private networks'],
    ['http://printer.local./', 'name of private networks'],
    ['http://nas.home.arpa/', 'name of private networks'],
    ['http://kubernetes.default.svc.cluster.local/', 'name of private networks'],
    ['http://./', 'no host'],
    // Ports.
    ['http://example.com:22/', 'Port 22'],
    ['https://example.com:25/', 'Port 25'],
    ['https://example.com:6379/', 'Port 6379'],
    ['https://example.com:5432/', 'Port 5432'],
    ['https://example.com:11211/', 'Port 11211'],
    ['https://example.com:2375/', 'Port 2375'],
    ['https://example.com:0/', 'Port 0'],
    // Everything else.
    ['ftp://example.com/', 'not ftp:'],
    ['file:///etc/passwd', 'not file:'],
    ['gopher://example.com/', 'not gopher:'],
    ['https://user:password@example.com/', 'user name'],
    ['https://user@example.com/', 'user name'],
    ['https://:password@example.com/', 'user name'],
    ['https://example.com/#part', 'fragment'],
    ['http://1.1.1.1.1/', 'not a URL'],
    ['http://256.1.1.1/', 'not a URL'],
    ['http://[fe80::1%25eth0]/', 'not a URL'],
    ['http://example.com:65536/', 'not a URL'],
    ['example.com/hook', 'not a URL'],
    ['', 'not a URL'],
  ])('%s: %s', (url, words) => {
    expect(urlProblem(url, PUBLIC_ONLY)).toContain(words);
  });
});

describe('a URL that is accepted', () => {
  it.each([
    'https://example.com/hook?a=1',
    'http://example.com/',
    'https://example.com:8443/',
    'https://example.com:443/',
    'http://example.com:8080/',
    'https://8.8.8.8/',
    'https://[2606:4700:4700::1111]/',
    'https://metadata.example.com/',
    'https://internal.example.com/',
    'https://localhost.example.com/',
    'https://xn--bcher-kva.example/',
    // Only what the name resolves to tells.
    'https://127.0.0.1.nip.io/',
  ])('%s', (url) => {
    expect(urlProblem(url, PUBLIC_ONLY)).toBeNull();
  });

  it('because the operator allows what is behind it', () => {
    const loopback = allowing('127.0.0.0/8');
    expect(urlProblem('http://localhost:3000/', loopback)).toBeNull();
    expect(urlProblem('http://localhost:3000/', allowing('::1/128'))).toBeNull();
    expect(urlProblem('http://localhost:3000/', allowing('10.0.0.0/8'))).toContain('loopback');
    expect(urlProblem('http://127.0.0.1:3000/', loopback)).toBeNull();
    for (const url of ['http://n8n.internal/', 'http://n8n:5678/', 'http://printer.local/']) {
      expect(urlProblem(url, allowing('10.0.0.0/8'))).toBeNull();
    }
    expect(urlProblem('http://metadata.google.internal/', allowing('0.0.0.0/0', '::/0'))).toContain('metadata');
  });

  it('because the operator allows its port, and no other', () => {
    const allowed: AllowedTargets = { networks: [], ports: [9200] };
    expect(urlProblem('https://example.com:9200/', allowed)).toBeNull();
    expect(urlProblem('https://example.com:9300/', allowed)).toContain('ALLOW_TARGET_PORTS');
    expect(targetProblem('example.com', 25, allowing('0.0.0.0/0'))).toContain('Port 25');
  });
});
