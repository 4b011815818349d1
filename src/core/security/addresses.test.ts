import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ConfigError } from '#core/config.ts'
import { createAllowList, isPublicAddress } from './addresses.ts'

test('addresses of the public internet are public', () => {
  for (const address of [
    '1.1.1.1',
    '8.8.8.8',
    '114.114.114.114',
    '172.15.0.1',
    '100.63.0.1',
    '2606:4700::1111',
    '2400:3200::1',
  ]) {
    expect([address, isPublicAddress(address)]).toEqual([address, true])
  }
})

test('private, special and wrapped addresses are not', () => {
  const refused = {
    unspecified: ['0.0.0.0', '0.1.2.3', '::'],
    loopback: ['127.0.0.1', '127.255.255.254', '::1'],
    private: [
      '10.0.0.1',
      '172.16.0.1',
      '172.31.255.255',
      '192.168.1.1',
      'fc00::1',
      'fd00:ec2::254',
      'fec0::1',
    ],
    linkLocal: ['169.254.169.254', 'fe80::1', 'fe80::1%eth0'],
    carrierGradeNat: ['100.64.0.1', '100.100.100.200', '100.127.255.255'],
    multicast: ['224.0.0.1', '239.255.255.255', 'ff02::1'],
    reserved: [
      '192.0.0.8',
      '192.0.2.1',
      '198.18.0.1',
      '198.51.100.1',
      '203.0.113.9',
      '240.0.0.1',
      '255.255.255.255',
    ],
    documentation: ['2001:db8::1', '3fff::1'],
    mapped: ['::ffff:127.0.0.1', '::ffff:8.8.8.8', '::ffff:7f00:1'],
    compatible: ['::127.0.0.1', '::7f00:1'],
    translated: ['64:ff9b::7f00:1', '64:ff9b:1::1', '::ffff:0:127.0.0.1'],
    tunnelled: ['2002:7f00:1::', '2001:0:4136:e378:8000:63bf:3fff:fdd2'],
    clouds: ['168.63.129.16'],
    nonsense: ['', 'localhost', '1.2.3', '999.1.1.1', 'g::1'],
  }
  for (const [kind, addresses] of Object.entries(refused)) {
    for (const address of addresses) {
      expect([kind, address, isPublicAddress(address)]).toEqual([kind, address, false])
    }
  }
})

test('no address that wraps an IPv4 address is public, whatever it wraps', () => {
  const octet = fc.nat(255)
  fc.assert(
    fc.property(octet, octet, octet, octet, (a, b, c, d) => {
      const [high, low] = [a * 256 + b, c * 256 + d].map(number => number.toString(16))
      for (const wrapped of [
        `::ffff:${high}:${low}`,
        `::${high}:${low}`,
        `64:ff9b::${high}:${low}`,
        `2002:${high}:${low}::1`,
      ]) {
        expect(isPublicAddress(wrapped)).toBe(false)
      }
    }),
  )
})

test('the allow-list knows hosts, ports, addresses and networks', () => {
  const list = createAllowList([
    'Ollama',
    'models.lan:8000',
    '127.0.0.1:11434',
    '[::1]:8080',
    'fd00::/8',
    '10.1.0.0/16',
    '192.168.0.7',
  ])
  expect(list.allowsHost('ollama', 80)).toBe(true)
  expect(list.allowsHost('OLLAMA', 11434)).toBe(true)
  expect(list.allowsHost('models.lan', 8000)).toBe(true)
  expect(list.allowsHost('models.lan', 8001)).toBe(false)
  expect(list.allowsHost('sub.models.lan', 8000)).toBe(false)
  expect(list.allowsHost('127.0.0.1', 11434)).toBe(false) // an address, not a name
  expect(list.allowsAddress('127.0.0.1', 11434)).toBe(true)
  expect(list.allowsAddress('127.0.0.1', 22)).toBe(false)
  expect(list.allowsAddress('::1', 8080)).toBe(true)
  expect(list.allowsAddress('::1', 80)).toBe(false)
  expect(list.allowsAddress('fd12::1', 1)).toBe(true)
  expect(list.allowsAddress('10.1.255.255', 1)).toBe(true)
  expect(list.allowsAddress('10.2.0.0', 1)).toBe(false)
  expect(list.allowsAddress('192.168.0.7', 5)).toBe(true)
  expect(list.allowsAddress('192.168.0.8', 5)).toBe(false)
  expect(list.allowsAddress('::ffff:10.1.0.1', 1)).toBe(false)
})

test('wrong entries are named, all at once', () => {
  const wrong = ['http://host', '10.0.0.0/33', 'host:0', 'host:99999', 'a b', '1.2.3', '[::1', '300.1.1.1:80']
  expect(() => createAllowList(['fine.lan', ...wrong])).toThrow(ConfigError)
  for (const entry of wrong) expect(() => createAllowList(['fine.lan', ...wrong])).toThrow(entry)
})
