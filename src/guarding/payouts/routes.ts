import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import type { Config } from '../../config.ts'
import { idParams } from '../../platform/http/fields.ts'
import { found } from '../../platform/http/found.ts'
import { readCursor, toPage } from '../../platform/http/page.ts'
import { Problem, problems } from '../../platform/http/problem.ts'
import { requireSignature } from '../../platform/http/signature.ts'
import { countPayout } from '../metrics.ts'
import { listPayouts, payoutById, receivePayoutEvent, retryPayout } from './queries.ts'
import { payoutDetail, payoutPage, payoutQuery, payoutWebhook, webhookResult } from './schemas.ts'

const tags = ['payouts']

export const payoutRoutes: FastifyPluginAsyncZod = async (app) => {
  app.get(
    '/payouts',
    {
      schema: {
        operationId: 'listPayouts',
        summary: 'List payouts, newest first',
        description:
          'A statement with a payable amount has one payout. The company that pays, the guard who is paid, and admins see it.',
        tags,
        querystring: payoutQuery,
        response: { 200: payoutPage, ...problems('cursor_invalid') },
      },
    },
    async (request) => {
      const { limit, cursor, ...filter } = request.query
      const position = readCursor('payouts', 'instant', cursor, filter)
      const rows = await request.rows(listPayouts(filter, limit, position))
      return toPage('payouts', rows, limit, filter, (item) => [item.created_at, item.id])
    },
  )

  app.get(
    '/payouts/:id',
    {
      schema: {
        operationId: 'getPayout',
        summary: 'Get a payout with what the provider said of it',
        description: 'Events that came too late are among them, with `is_applied` false.',
        tags,
        params: idParams,
        response: { 200: payoutDetail, ...problems('not_found') },
      },
    },
    async (request) => found(await request.row(payoutById(request.params.id))),
  )

  app.post(
    '/payouts/:id/retry',
    {
      schema: {
        operationId: 'retryPayout',
        summary: 'Retry a payout that failed, or that is a dead letter',
        description:
          'Admins only. The idempotency key stays the same, so the provider pays at most once. A dead letter may have been paid: the provider is asked first.',
        tags,
        params: idParams,
        response: { 200: payoutDetail, ...problems('not_found', 'forbidden', 'payout_state') },
      },
    },
    (request) => request.write((session) => retryPayout(session, request.params.id)),
  )
}

export const payoutWebhookRoutes: FastifyPluginAsyncZod<{ config: Config }> = async (app, { config }) => {
  const signature = {
    secret: config.PAYOUT_WEBHOOK_SECRET,
    signatureHeader: config.PAYOUT_WEBHOOK_SIGNATURE_HEADER,
    timestampHeader: config.PAYOUT_WEBHOOK_TIMESTAMP_HEADER,
    toleranceSeconds: config.PAYOUT_WEBHOOK_TOLERANCE_SECONDS,
  }
  app.post(
    '/webhooks/payouts',
    {
      config: { signed: true },
      // Before anything is said about the body.
      preValidation: async (request) => requireSignature(request, signature),
      schema: {
        operationId: 'receivePayoutEvent',
        summary: 'Take an event of the payment provider',
        description:
          'For the payment provider, without a token. A header has the time of the request in Unix seconds, another one the HMAC-SHA256 of that time, a full stop and the body, as hexadecimal digits; the settings `PAYOUT_WEBHOOK_*` have the names of both, the secret, and how old a request may be. Events may come twice and in any order: a status never goes backwards.',
        tags,
        security: [],
        body: payoutWebhook,
        response: { 200: webhookResult, ...problems('not_found') },
      },
    },
    async (request) => {
      const result = await app.background((tx) => receivePayoutEvent(tx, request.body))
      countPayout(`webhook_${result}`)
      if (result === 'unknown') throw new Problem('not_found')
      return { result }
    },
  )
}
