import { doTheJob } from './job.js'

const { BASE, GUARD } = process.env

async function send(path, options = {}) {
  const headers = { authorization: `Bearer ${GUARD}`, ...options.headers }
  const response = await fetch(`${BASE}/v1${path}`, { ...options, headers })
  const answer = await response.json()
  if (!response.ok) throw new Error(`${path}: ${response.status} ${JSON.stringify(answer)}`)
  return answer
}

await doTheJob({
  get: (path) => send(path),
  post: (path, body) =>
    body === undefined
      ? // An empty text, which fetch calls text/plain.
        send(path, { method: 'POST', body: '' })
      : send(path, {
          method: 'POST',
          body: JSON.stringify(body),
          headers: { 'content-type': 'application/json' },
        }),
})
