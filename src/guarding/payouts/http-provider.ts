import { z } from 'zod'
import type { Config } from '../../config.ts'
import {
  NoAnswer,
  type PayoutOrder,
  type PayoutProvider,
  PROVIDER_STATES,
  type ProviderAnswer,
  toWord,
} from './provider.ts'

/*
 * No public contract of Finqle is known. This is a plain one, whose paths and headers are settings; a provider that speaks another
 * gets an adapter beside this file. docs/decisions/045-a-payout-is-an-outbox-row.md describes it.
 */

type ProviderSettings = Pick<
  Config,
  | 'PAYOUT_URL'
  | 'PAYOUT_SEND_PATH'
  | 'PAYOUT_FIND_PATH'
  | 'PAYOUT_SECRET'
  | 'PAYOUT_SECRET_HEADER'
  | 'PAYOUT_KEY_HEADER'
  | 'PAYOUT_TIMEOUT_MS'
>

const answer = z.object({
  status: z.enum(PROVIDER_STATES),
  reference: z.string().min(1).max(200).nullish(),
  reason: z.string().max(1_000).nullish(),
})

/** An answer has three short members: a longer one is somebody else's page. */
const MAX_ANSWER_BYTES = 65_536

/** The provider has read the order, and will never pay it. Any other refusal (a wrong secret, a limit) says nothing about the order. */
const REFUSALS = [400, 422]

export function httpProvider(settings: ProviderSettings): PayoutProvider {
  const { PAYOUT_URL: url = '', PAYOUT_SECRET: secret = '', PAYOUT_SECRET_HEADER: header } = settings
  const credentials = { [header]: header === 'authorization' ? `Bearer ${secret}` : secret }

  async function ask(path: string, init: RequestInit): Promise<{ status: number; text: string }> {
    try {
      const response = await fetch(`${url.replace(/\/$/, '')}${path}`, {
        ...init,
        headers: { accept: 'application/json', ...credentials, ...init.headers },
        // Whoever it leads to is not to be told the secret.
        redirect: 'error',
        signal: AbortSignal.timeout(settings.PAYOUT_TIMEOUT_MS),
      })
      return { status: response.status, text: await readAtMost(response, MAX_ANSWER_BYTES) }
    } catch (error) {
      if (error instanceof NoAnswer) throw error
      // Not its message, which can name an address with credentials.
      throw new NoAnswer(error instanceof Error && error.name === 'TimeoutError' ? 'timeout' : 'unreachable')
    }
  }

  return {
    async send({ key, ...order }: PayoutOrder) {
      const { status, text } = await ask(settings.PAYOUT_SEND_PATH, {
        method: 'POST',
        headers: { 'content-type': 'application/json', [settings.PAYOUT_KEY_HEADER]: key },
        body: JSON.stringify(order),
      })
      if (REFUSALS.includes(status)) return { status: 'failed', reference: null, reason: `http_${status}` }
      return toAnswer(status, text)
    },

    async find(key) {
      const path = settings.PAYOUT_FIND_PATH.replaceAll('{key}', encodeURIComponent(key))
      const { status, text } = await ask(path, { method: 'GET' })
      return status === 404 ? undefined : toAnswer(status, text)
    },
  }
}

/** @throws NoAnswer for anything but an answer of the contract */
function toAnswer(status: number, text: string): ProviderAnswer {
  if (status < 200 || status > 299) throw new NoAnswer(`http_${status}`)
  const { data } = answer.safeParse(parseJson(text))
  if (!data) throw new NoAnswer('unreadable_answer')
  return {
    status: data.status,
    reference: data.reference ?? null,
    reason: data.reason ? toWord(data.reason) : null,
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** @throws NoAnswer when it is longer */
async function readAtMost({ body }: Response, most: number): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of body ?? []) {
    bytes += chunk.length
    if (bytes > most) throw new NoAnswer('unreadable_answer')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
