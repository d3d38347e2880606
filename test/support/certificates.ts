import { chown } from 'node:fs/promises'
import { join } from 'node:path'
import { deployBlocks } from './deploy-page.ts'
import { serverUser } from './postgres-server.ts'
import { run } from './run.ts'

export interface Certificates {
  /** The authority that signed the others. */
  root: string
  /** For `localhost`, and for no address. */
  server: { cert: string; key: string }
  client: { cert: string; key: string }
  /** An authority that signed nothing. */
  otherRoot: string
}

const KEY = '-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2'

/** Makes certificates in a folder, as `docs/deploy.md` says, with keys that the server's user may read. */
export async function makeCertificates(folder: string): Promise<Certificates> {
  const [documented] = await deployBlocks('## TLS', 'sh')
  const script = `${documented!.replaceAll('db.example.com', 'localhost')}
openssl req -x509 ${KEY} -subj "/CN=A client" -CA root.pem -CAkey root.key -keyout client.key -out client.pem
openssl req -x509 ${KEY} -subj "/CN=Others" -keyout other.key -out other.pem`
  await run('sh', ['-e', '-c', script], { cwd: folder })
  const path = (name: string): string => join(folder, name)
  const user = await serverUser()
  if (user) {
    for (const name of ['', 'root.pem', 'server.key', 'server.pem'])
      await chown(path(name), user.uid, user.gid)
  }
  const pair = (name: string) => ({ cert: path(`${name}.pem`), key: path(`${name}.key`) })
  return {
    root: path('root.pem'),
    otherRoot: path('other.pem'),
    server: pair('server'),
    client: pair('client'),
  }
}
