import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { idParams } from '../../platform/http/fields.ts'
import { found } from '../../platform/http/found.ts'
import { nextLink } from '../../platform/http/next-link.ts'
import { readCursor, toPage } from '../../platform/http/page.ts'
import { problems } from '../../platform/http/problem.ts'
import { toCsv } from './csv.ts'
import {
  approveTimesheet,
  approveTimesheets,
  counterTimesheet,
  disputeTimesheet,
  listTimesheets,
  resolveTimesheet,
  timesheetById,
} from './queries.ts'
import {
  approval,
  approvalResults,
  bulkApproval,
  counter,
  dispute,
  explainQuery,
  resolution,
  timesheetDetail,
  timesheetPage,
  timesheetQuery,
} from './schemas.ts'

const tags = ['timesheets']

/** What any decision about a timesheet can be refused with. */
const DECISION_PROBLEMS = ['not_found', 'forbidden', 'timesheet_state'] as const

export const timesheetRoutes: FastifyPluginAsyncZod = async (app) => {
  app.get(
    '/timesheets',
    {
      schema: {
        operationId: 'listTimesheets',
        summary: 'List timesheets, latest start first',
        description:
          'A shift that was completed, or cancelled after work had begun, has a timesheet: the hours and what they pay. The company, its guard and admins see it. Clients see the hours at their sites and no money.',
        tags,
        querystring: timesheetQuery,
        response: { 200: timesheetPage, ...problems('cursor_invalid') },
      },
    },
    async (request) => {
      const { limit, cursor, ...filter } = request.query
      const position = readCursor('timesheets', 'instant', cursor, filter)
      const rows = await request.rows(listTimesheets(filter, limit, position))
      return toPage('timesheets', rows, limit, filter, (item) => [item.start_datetime, item.id])
    },
  )

  app.get(
    '/timesheets.csv',
    {
      schema: {
        operationId: 'exportTimesheets',
        summary: 'List timesheets as CSV',
        description:
          'The same list, filters and pages as `GET /v1/timesheets`, as CSV (RFC 4180) with a header line. A `Link` header with `rel="next"` leads to the next page.',
        tags,
        querystring: timesheetQuery,
        response: {
          200: {
            description: 'One page of timesheets.',
            content: { 'text/csv': { schema: z.string() } },
          },
          ...problems('cursor_invalid'),
        },
      },
    },
    async (request, reply) => {
      const { limit, cursor, ...filter } = request.query
      const position = readCursor('timesheets', 'instant', cursor, filter)
      const rows = await request.rows(listTimesheets(filter, limit, position))
      const page = toPage('timesheets', rows, limit, filter, (item) => [item.start_datetime, item.id])
      if (page.next_cursor) reply.header('link', nextLink(request.url, page.next_cursor))
      return reply.type('text/csv; charset=utf-8; header=present').send(toCsv(page.items))
    },
  )

  app.get(
    '/timesheets/:id',
    {
      schema: {
        operationId: 'getTimesheet',
        summary: 'Get a timesheet with its lines and steps',
        description:
          'Each line explains how its amount comes about. With `explain`, the clock events are added, each with its GPS verdict.',
        tags,
        params: idParams,
        querystring: explainQuery,
        response: { 200: timesheetDetail, ...problems('not_found') },
      },
    },
    async (request) => found(await request.row(timesheetById(request.params.id, request.query.explain))),
  )

  app.post(
    '/timesheets/:id/approve',
    {
      schema: {
        operationId: 'approveTimesheet',
        summary: 'Approve a timesheet',
        description:
          'The company or an admin approves the hours; nobody approves their own. Open lines are paid only when their reason is named in `open_lines`. After the approval, no clock event changes the hours: a later one flags the timesheet `conflict`.',
        tags,
        params: idParams,
        body: approval,
        response: {
          200: timesheetDetail,
          ...problems(...DECISION_PROBLEMS, 'own_hours', 'lines_undecided', 'timesheet_changed'),
        },
      },
    },
    (request) => request.write((session) => approveTimesheet(session, request.params.id, request.body)),
  )

  app.post(
    '/timesheets/approve',
    {
      schema: {
        operationId: 'approveTimesheets',
        summary: 'Approve many timesheets',
        description:
          'Approves each timesheet by itself: one that is refused does not fail the others. Timesheets with open lines are refused (`lines_undecided`); approve each of them alone.',
        tags,
        body: bulkApproval,
        response: { 200: approvalResults, ...problems() },
      },
    },
    async (request) => ({
      results: await request.write((session) => approveTimesheets(session, request.body.ids)),
    }),
  )

  app.post(
    '/timesheets/:id/dispute',
    {
      schema: {
        operationId: 'disputeTimesheet',
        summary: 'Dispute a timesheet',
        description:
          'The guard says that the hours are wrong, until `dispute_days` (a term of the company) after they were proposed or approved.',
        tags,
        params: idParams,
        body: dispute,
        response: { 200: timesheetDetail, ...problems(...DECISION_PROBLEMS, 'dispute_too_late') },
      },
    },
    (request) =>
      request.write((session) => disputeTimesheet(session, request.params.id, request.body.reason)),
  )

  app.post(
    '/timesheets/:id/counter',
    {
      schema: {
        operationId: 'counterTimesheet',
        summary: 'Ask for other hours',
        description:
          'The company or the guard says which hours were worked instead. The other side accepts them by `resolve`, or counters in turn. Hours lie between 2 hours before the planned start and 12 hours after the planned end.',
        tags,
        params: idParams,
        body: counter,
        response: {
          200: timesheetDetail,
          ...problems(...DECISION_PROBLEMS, 'own_hours', 'dispute_too_late', 'hours_impossible'),
        },
      },
    },
    (request) => request.write((session) => counterTimesheet(session, request.params.id, request.body)),
  )

  app.post(
    '/timesheets/:id/resolve',
    {
      schema: {
        operationId: 'resolveTimesheet',
        summary: 'End a dispute',
        description:
          'The other side accepts the hours of the last counter, which approves the timesheet; or the guard withdraws the dispute. An admin decides either way.',
        tags,
        params: idParams,
        body: resolution,
        response: { 200: timesheetDetail, ...problems(...DECISION_PROBLEMS, 'own_hours') },
      },
    },
    (request) => request.write((session) => resolveTimesheet(session, request.params.id, request.body)),
  )
}
