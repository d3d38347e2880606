import { expect, it } from 'vitest'
import { settings } from '../../src/config.ts'
import { mistypedSettings } from '../../src/mistyped-settings.ts'

it.each([
  ['DATABSE_URL', 'DATABASE_URL'],
  ['DATABASE_ULR', 'DATABASE_URL'],
  ['DATABASE_URI', 'DATABASE_URL'],
  ['database_url', 'DATABASE_URL'],
  ['JWT_SECERT', 'JWT_SECRET'],
  ['JKWS_URL', 'JWKS_URL'],
  ['TRUST_PROXI', 'TRUST_PROXY'],
  ['CORS_ORIGIN', 'CORS_ORIGINS'],
  ['DATABASE_REPLICA_MAX_LAG', 'DATABASE_REPLICA_MAX_LAG_MS'],
])('asks whether %s is %s', (name, meant) => {
  expect(mistypedSettings({ [name]: 'x' })).toEqual([expect.stringContaining(`${meant}?`)])
})

it('says nothing of what a machine, a shell, npm and a container set', () => {
  const usual = {
    ...{
      HOME: '/root',
      HOSTNAME: 'x',
      HOSTTYPE: 'x',
      PATH: '/bin',
      PWD: '/',
      LANG: 'C',
      SHELL: '/bin/sh',
      TERM: 'x',
    },
    ...{
      LOGNAME: 'x',
      USER: 'x',
      TMPDIR: '/tmp',
      EDITOR: 'vi',
      NODE_OPTIONS: '',
      NODE_PATH: '/x',
      COLORTERM: 'x',
    },
    ...{
      INIT_CWD: '/',
      npm_lifecycle_event: 'start',
      POSTGRES_PASSWORD: 'x',
      PGHOST: 'x',
      PGPORT: '1',
      CI: 'true',
    },
    ...{
      KUBERNETES_PORT: 'x',
      KUBERNETES_SERVICE_HOST: 'x',
      REPORT: 'x',
      TEST_DATABASE_URL: 'x',
      SSH_AUTH_SOCK: 'x',
    },
  }
  expect(mistypedSettings(usual)).toEqual([])
})

it('says nothing of settings, nor of what is empty', () => {
  const all = Object.fromEntries(Object.keys(settings.shape).map((name) => [name, 'x']))
  expect(mistypedSettings({ ...all, DATABSE_URL: '' })).toEqual([])
})
