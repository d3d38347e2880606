import { ACCESSES } from '../support/resources.ts'
import { TENANTS } from '../support/world.ts'
import {
  asks,
  changes,
  deletes,
  follows,
  inserts,
  lists,
  NEW_ID,
  NEW_ROW,
  OWN_PROFESSIONAL,
  reads,
  updates,
  updatesAll,
} from './access-actions.ts'
import { type Alone, quote, type Section, type Telling } from './access-probe.ts'
import {
  ASSIGNMENT_ROWS,
  AUDIENCE_ROWS,
  CANDIDATE_PAGE_ROWS,
  CHANGED_CALLER_ROWS,
  CHECKIN_ROWS,
  CODE_OF_INVITATION,
  DEPARTED_ROWS,
  FOREIGNERS,
  HISTORY_ROWS,
  IDEMPOTENCY_ROWS,
  INVITATION_ROWS,
  JOB_ROWS,
  LINK_ROWS,
  LOCATION_ROWS,
  type MatrixRow,
  MEMBERSHIP_ROWS,
  MESSAGE_ROWS,
  NOTIFICATION_ROWS,
  ORGANIZATION_ROWS,
  OUTBOX_ROWS,
  PROFESSIONAL_ROWS,
  REFUSED_ASSIGNMENT_ROWS,
  SHIFT_ROWS,
  SIZE_SAMPLE_ROWS,
  TENANT_ROWS,
  TERMS_ROWS,
  TRANSACTION_ROWS,
  USER_ROWS,
} from './access-world.ts'

/*
 * Who may do what, row by row: DESIGN's matrix in cells. To extend it, add a row to access-world.ts and its line here; or
 * an action, and its letter to the cells in which it is allowed. What a resource says by itself is in `test/resources/`. Who is not in a grid's head may do nothing to its rows, and
 * that is tried too: `anon`, the stranger, deleted users, and everybody of the other tenant where only this one has rows.
 */

const SITE_POINT = 'st_point(4.8926, 52.3731)::geography'

const tenants: Section = {
  table: 'public.tenants',
  key: 'id',
  rows: TENANT_ROWS,
  actions: {
    r: reads('public.tenants'),
    e: updates('public.tenants', "name = 'Mine'"),
    d: deletes('public.tenants'),
    c: inserts('public.tenants', () => ({ name: 'Another' })),
  },
  grid: `
             company  colleague  rival  client  otherClient  guard  otherGuard  freeGuard  dismissedGuard  admin  foreignCompany  foreignClient  foreignGuard  foreignAdmin  office  dispatcher  driver  newDriver  dismissedDriver  rivalOffice  rivalDriver  broker  foreignOffice  foreignDriver
    tenantA  r        r          r      r       r            r      r           r          r               r      .               .              .             .             r       r           r       r          r                r            r            r       .              .
    tenantB  .        .          .      .       .            .      .           .          .               .      r               r              r             r             .       .           .       .          .                .            .            .       r              r
  `,
}

const organizations: Section = {
  table: 'public.organizations',
  key: 'id',
  rows: ORGANIZATION_ROWS,
  actions: {
    r: reads('public.organizations'),
    e: updates('public.organizations', "name = 'Mine'"),
    d: deletes('public.organizations'),
    c: inserts('public.organizations', ({ tenant, kind }) => ({ tenant_id: tenant, name: 'Another', kind })),
  },
  grid: `
                        company  colleague  rival  client  otherClient  guard  otherGuard  freeGuard  dismissedGuard  admin  foreignCompany  foreignClient  foreignGuard  foreignAdmin  office  dispatcher  driver  newDriver  dismissedDriver  rivalOffice  rivalDriver  broker  foreignOffice  foreignDriver
    company             r        r          .      r       .            r      r           r          r               rc     .               .              .             .             .       .           .       .          .                .            .            .       .              .
    rival               .        .          r      r       r            r      r           r          r               rc     .               .              .             .             .       .           .       .          .                .            .            .       .              .
    client              r        r          r      r       .            r      r           r          r               rc     .               .              .             .             .       .           .       .          .                .            .            .       .              .
    otherClient         .        .          r      .       r            r      r           r          r               rc     .               .              .             .             .       .           .       .          .                .            .            .       .              .
    quietCompany        .        .          .      .       .            .      .           .          .               rc     .               .              .             .             .       .           .       .          .                .            .            .       .              .
    quietClient         .        .          .      .       .            .      .           .          .               rc     .               .              .             .             .       .           .       .          .                .            .            .       .              .
    closedCompany       .        .          .      .       .            .      .           .          .               c      .               .              .             .             .       .           .       .          .                .            .            .       .              .
    closedClient        .        .          .      .       .            .      .           .          .               c      .               .              .             .             .       .           .       .          .                .            .            .       .              .
    formerClient        .        .          .      .       .            r      r           r          r               rc     .               .              .             .             .       .           .       .          .                .            .            .       .              .
    foreignCompany      .        .          .      .       .            .      .           .          .               .      r               r              r             rc            .       .           .       .          .                .            .            .       .              .
    foreignClient       .        .          .      .       .            .      .           .          .               .      r               r              r             rc            .       .           .       .          .                .            .            .       .              .
    foreignQuietClient  .        .          .      .       .            .      .           .          .               .      .               .              .             rc            .       .           .       .          .                .            .            .       .              .
    carrier             .        .          .      .       .            .      .           .          .               rc     .               .              .             .             r       r           r       r          r                .            .            .       .              .
    rivalCarrier        .        .          .      .       .            .      .           .          .               rc     .               .              .             .             .       .           .       .          .                r            r            .       .              .
    brokerage           .        .          .      .       .            .      .           .          .               rc     .               .              .             .             .       .           .       .          .                .            .            r       .              .
    foreignCarrier      .        .          .      .       .            .      .           .          .               .      .               .              .             rc            .       .           .       .          .                .            .            .       r              r
  `,
}

const companyClients: Section = {
  table: 'public.company_clients',
  key: 'id',
  rows: LINK_ROWS,
  actions: {
    r: reads('public.company_clients'),
    e: changes(
      'give to another client',
      ({ id, quietClient }) =>
        `update public.company_clients set client_id = ${quote(quietClient)} where id = ${quote(id)}`,
    ),
    d: deletes('public.company_clients'),
    c: {
      ...inserts('public.company_clients', ({ tenant, company, quietClient }) => ({
        tenant_id: tenant,
        company_id: company,
        client_id: quietClient,
      })),
      means: 'link its company with another client',
    },
  },
  grid: `
                         company  colleague  rival  client  otherClient  admin  foreignCompany  foreignClient  foreignAdmin
    companyClient        r        r          .      r       .            rcd    .               .              .
    companyClosedClient  r        r          .      .       .            rcd    .               .              .
    rivalOtherClient     .        .          r      .       r            rcd    .               .              .
    foreignLink          .        .          .      .       .            .      r               r              rcd
  `,
}

const users: Section = {
  table: 'public.users',
  key: 'id',
  rows: USER_ROWS,
  actions: {
    r: reads('public.users'),
    m: reads('public.users', 'id', 'email'),
    e: updates('public.users', "name = 'Mine'"),
    p: updates('public.users', "role = 'admin', organization_id = null"),
    u: updates('public.users', 'deleted_at = null'),
    d: deletes('public.users'),
    g: asks(
      'be it, as a guard',
      ({ id }) =>
        `select muster.me() ->> 'id' = ${quote(id)} and jsonb_typeof(muster.me() -> 'professional') = 'object'`,
    ),
    w: asks(
      'be it, with its e-mail',
      ({ id }) => `select muster.me() ->> 'id' = ${quote(id)} and muster.me() ? 'email'`,
    ),
  },
  grid: `
                    company  colleague  rival  client  otherClient  guard  otherGuard  freeGuard  dismissedGuard  admin  foreignCompany  foreignClient  foreignGuard  foreignAdmin  office  dispatcher  driver  rivalOffice  broker  foreignOffice
    admin           .        .          .      .       .            .      .           .          .               rw     .               .              .             .             .       .           .       .            .       .
    company         rw       r          .      .       .            .      .           .          .               r      .               .              .             .             .       .           .       .            .       .
    colleague       r        rw         .      .       .            .      .           .          .               r      .               .              .             .             .       .           .       .            .       .
    rival           .        .          rwg    .       .            .      .           .          .               r      .               .              .             .             .       .           .       .            .       .
    client          .        .          .      rw      .            .      .           .          .               r      .               .              .             .             .       .           .       .            .       .
    otherClient     .        .          .      .       rw           .      .           .          .               r      .               .              .             .             .       .           .       .            .       .
    guard           r        r          .      r       .            rwg    .           .          .               r      .               .              .             .             .       .           .       .            .       .
    otherGuard      .        .          r      r       r            .      rwg         .          .               r      .               .              .             .             .       .           .       .            .       .
    freeGuard       .        .          .      .       .            .      .           rwg        .               r      .               .              .             .             .       .           .       .            .       .
    dismissedGuard  .        .          .      .       .            .      .           .          rw              r      .               .              .             .             .       .           .       .            .       .
    deletedAdmin    .        .          .      .       .            .      .           .          .               .      .               .              .             .             .       .           .       .            .       .
    deletedCompany  .        .          .      .       .            .      .           .          .               .      .               .              .             .             .       .           .       .            .       .
    deletedClient   .        .          .      .       .            .      .           .          .               .      .               .              .             .             .       .           .       .            .       .
    deletedGuard    .        .          .      .       .            .      .           .          .               .      .               .              .             .             .       .           .       .            .       .
    foreignAdmin    .        .          .      .       .            .      .           .          .               .      .               .              .             rw            .       .           .       .            .       .
    foreignCompany  .        .          .      .       .            .      .           .          .               .      rw              .              .             r             .       .           .       .            .       .
    foreignClient   .        .          .      .       .            .      .           .          .               .      .               rw             .             r             .       .           .       .            .       .
    foreignGuard    .        .          .      .       .            .      .           .          .               .      r               r              rwg           r             .       .           .       .            .       .
    office          .        .          .      .       .            .      .           .          .               r      .               .              .             .             rw      r           .       .            .       .
    driver          .        .          .      .       .            .      .           .          .               r      .               .              .             .             r       r           rw      .            .       .
    rivalOffice     .        .          .      .       .            .      .           .          .               r      .               .              .             .             .       .           .       rw           .       .
    broker          .        .          .      .       .            .      .           .          .               r      .               .              .             .             .       .           .       .            rw      .
    deletedOffice   .        .          .      .       .            .      .           .          .               .      .               .              .             .             .       .           .       .            .       .
    foreignOffice   .        .          .      .       .            .      .           .          .               .      .               .              .             r             .       .           .       .            .       rw
  `,
}

const memberships: Section = {
  table: 'public.memberships',
  key: 'user_id',
  rows: MEMBERSHIP_ROWS,
  actions: {
    r: reads('public.memberships', 'user_id'),
    p: updates('public.memberships', "role = 'admin', organization_id = null", 'user_id'),
    d: deletes('public.memberships', 'user_id'),
    c: inserts('public.memberships', ({ id, tenant }) => ({
      id: NEW_ID,
      tenant_id: tenant,
      user_id: id,
      role: 'admin',
    })),
  },
  grid: `
                    company  colleague  rival  client  otherClient  guard  otherGuard  freeGuard  dismissedGuard  admin  foreignCompany  foreignClient  foreignGuard  foreignAdmin  office  dispatcher  driver  rivalOffice  broker  foreignOffice
    admin           .        .          .      .       .            .      .           .          .               r      .               .              .             .             .       .           .       .            .       .
    company         r        r          .      .       .            .      .           .          .               r      .               .              .             .             .       .           .       .            .       .
    colleague       r        r          .      .       .            .      .           .          .               r      .               .              .             .             .       .           .       .            .       .
    rival           .        .          r      .       .            .      .           .          .               r      .               .              .             .             .       .           .       .            .       .
    client          .        .          .      r       .            .      .           .          .               r      .               .              .             .             .       .           .       .            .       .
    otherClient     .        .          .      .       r            .      .           .          .               r      .               .              .             .             .       .           .       .            .       .
    guard           .        .          .      .       .            r      .           .          .               r      .               .              .             .             .       .           .       .            .       .
    otherGuard      .        .          .      .       .            .      r           .          .               r      .               .              .             .             .       .           .       .            .       .
    freeGuard       .        .          .      .       .            .      .           r          .               r      .               .              .             .             .       .           .       .            .       .
    dismissedGuard  .        .          .      .       .            .      .           .          r               r      .               .              .             .             .       .           .       .            .       .
    deletedAdmin    .        .          .      .       .            .      .           .          .               r      .               .              .             .             .       .           .       .            .       .
    deletedCompany  r        r          .      .       .            .      .           .          .               r      .               .              .             .             .       .           .       .            .       .
    deletedClient   .        .          .      r       .            .      .           .          .               r      .               .              .             .             .       .           .       .            .       .
    deletedGuard    .        .          .      .       .            .      .           .          .               r      .               .              .             .             .       .           .       .            .       .
    foreignAdmin    .        .          .      .       .            .      .           .          .               .      .               .              .             r             .       .           .       .            .       .
    foreignCompany  .        .          .      .       .            .      .           .          .               .      r               .              .             r             .       .           .       .            .       .
    foreignClient   .        .          .      .       .            .      .           .          .               .      .               r              .             r             .       .           .       .            .       .
    foreignGuard    .        .          .      .       .            .      .           .          .               .      .               .              r             r             .       .           .       .            .       .
    office          .        .          .      .       .            .      .           .          .               r      .               .              .             .             r       r           .       .            .       .
    driver          .        .          .      .       .            .      .           .          .               r      .               .              .             .             r       r           r       .            .       .
    rivalOffice     .        .          .      .       .            .      .           .          .               r      .               .              .             .             .       .           .       r            .       .
    broker          .        .          .      .       .            .      .           .          .               r      .               .              .             .             .       .           .       .            r       .
    deletedOffice   .        .          .      .       .            .      .           .          .               r      .               .              .             .             r       r           .       .            .       .
    foreignOffice   .        .          .      .       .            .      .           .          .               .      .               .              .             r             .       .           .       .            .       r
  `,
}

const invitations: Section = {
  table: 'public.invitations',
  key: 'id',
  rows: INVITATION_ROWS,
  actions: {
    r: reads('public.invitations'),
    h: reads('public.invitations', 'id', 'code_hash'),
    c: changes(
      'invite likewise',
      ({ role, organization }) => `select muster.create_invitation(${quote(role)}, ${quote(organization)})`,
      () => ({ relation: 'public.invitations', condition: 'created_at = now()' }),
    ),
    i: inserts('public.invitations', ({ tenant, role, organization, inviting }) => ({
      tenant_id: tenant,
      role,
      organization_id: organization,
      inviting_organization_id: inviting,
      code_hash: 'mine',
      expires_at: '2099-01-01',
    })),
    e: updates('public.invitations', "role = 'admin', organization_id = null"),
    d: deletes('public.invitations'),
    a: changes(
      'accept',
      ({ id }) =>
        `select muster.accept_invitation(${quote(CODE_OF_INVITATION(id))}, 'New', 'new@example.com')`,
    ),
  },
  grid: `
                             company  colleague  rival  admin  foreignCompany  foreignAdmin  stranger  office  dispatcher  driver  newDriver  dismissedDriver  rivalOffice  rivalDriver  broker  foreignOffice  foreignDriver  client  otherClient  guard  otherGuard  freeGuard  dismissedGuard
    adminInvitesAdmin        .        .          .      rcd    .               c             a         .       .           a       a          a                .            a            a       .              .              .       .            .      .           .          .
    adminInvitesClient       .        .          .      rcd    .               .             a         a       a           a       a          a                a            a            a       .              .              .       .            .      .           .          .
    adminInvitesToClosed     .        .          .      rd     .               .             .         .       .           .       .          .                .            .            .       .              .              .       .            .      .           .          .
    companyInvitesColleague  rcd      rcd        .      rcd    .               .             a         a       a           a       a          a                a            a            a       .              .              .       .            .      .           .          .
    companyInvitesGuard      rcd      rcd        c      rcd    c               c             a         a       a           a       a          a                a            a            a       .              .              .       .            .      .           .          .
    rivalInvitesColleague    .        .          rcd    rcd    .               .             a         a       a           a       a          a                a            a            a       .              .              .       .            .      .           .          .
    acceptedByGuard          rc       rc         c      rc     c               c             .         .       .           .       .          .                .            .            .       .              .              .       .            .      .           .          .
    expired                  rcd      rcd        c      rcd    c               c             .         .       .           .       .          .                .            .            .       .              .              .       .            .      .           .          .
    forAnotherAddress        rcd      rcd        c      rcd    c               c             .         .       .           .       .          .                .            .            .       .              .              .       .            .      .           .          .
    foreignInvitesColleague  .        .          .      .      rcd             rcd           a         .       .           .       .          .                .            .            .       a              a              .       .            .      .           .          .
    officeInvitesDriver      a        a          a      rcda   .               .             a         rcda    .           .       .          .                a            .            a       .              .              a       a            a      a           a          a
  `,
}

const professionals: Section = {
  table: 'public.security_professionals',
  key: 'id',
  rows: PROFESSIONAL_ROWS,
  actions: {
    r: reads('public.security_professionals'),
    h: reads('public.security_professionals', 'id', 'home_point'),
    H: asks('ask for its home', ({ id }) => `select muster.professional_home(${quote(id)}) is not null`),
    k: lists(
      'compare it with others for a shift of the company',
      `select c ->> 'professional_id'
       from json_array_elements((muster.shift_candidates(${quote(SHIFT_ROWS.companyPublished.id)}, 100)).items) c`,
    ),
    m: updates('public.security_professionals', "home_point = 'SRID=4326;POINT(5 52)'"),
    M: updatesAll('public.security_professionals', "home_point = 'SRID=4326;POINT(5 52)'"),
    s: updates('public.security_professionals', "status = 'suspended'"),
    u: updates('public.security_professionals', 'deleted_at = null'),
    d: deletes('public.security_professionals'),
  },
  // A guard with assigned shifts is not suspended, by nobody.
  grid: `
                    company  colleague  rival  client  otherClient  guard  otherGuard  freeGuard  admin   foreignCompany  foreignClient  foreignGuard  foreignAdmin
    guard           rk       rk         .      r       .            rHmM   .           .          rHmMk   .               .              .             .
    otherGuard      k        k          r      r       r            .      rHmM        .          rHmMk   .               .              .             .
    freeGuard       k        k          .      .       .            .      .           rHmM       rHmMsk  .               .              .             .
    dismissedGuard  .        .          .      .       .            .      .           .          .       .               .              .             .
    deletedGuard    r        r          .      r       .            .      .           .          rHmMs   .               .              .             .
    rivalOnceGuard  k        k          .      .       .            .      .           .          rHmMsk  .               .              .             .
    foreignGuard    .        .          .      .       .            .      .           .          .       r               r              rHmM          rHmM
  `,
}

const locations: Section = {
  table: 'public.locations',
  key: 'id',
  rows: LOCATION_ROWS,
  actions: {
    r: reads('public.locations'),
    c: inserts('public.locations', ({ organization }) => ({
      organization_id: organization,
      name: 'Another',
      address: 'Dam 2, Amsterdam',
      location_point: 'SRID=4326;POINT(4.8926 52.3731)',
    })),
    e: updates('public.locations', "name = 'Changed'"),
    E: updatesAll('public.locations', "name = 'Changed'"),
    g: {
      ...updates('public.locations', `organization_id = ${quote(ORGANIZATION_ROWS.rival.id)}`),
      means: 'give to the rival',
    },
    S: changes(
      'plan a shift there, of the own company or for the company',
      ({ id }) =>
        `insert into public.shifts (id, company_id, location_id, start_datetime, end_datetime, hourly_rate, title)
         values (${quote(NEW_ID)}, coalesce(muster.company_id(), ${quote(ORGANIZATION_ROWS.company.id)}), ${quote(id)},
                 now() + interval '2 days', now() + interval '3 days', 25, 'New')`,
      NEW_ROW('public.shifts'),
    ),
    d: deletes('public.locations'),
  },
  // One with shifts that are not over is not deleted, by nobody.
  grid: `
                       company  colleague  rival  client  otherClient  guard  otherGuard  freeGuard  dismissedGuard  admin   foreignCompany  foreignClient  foreignGuard  foreignAdmin
    site               rcS      rcS        rcS    rceE    .            r      r           r          r               rceES   .               .              .             .
    office             rceES    rceES      .      .       .            r      r           r          r               rceES   .               .              .             .
    unusedOffice       rceEdS   rceEdS     .      .       .            .      .           .          .               rceEdS  .               .              .             .
    unusedSite         rcS      rcS        rcS    rceEd   .            .      .           .          .               rceEdS  .               .              .             .
    draftSite          rcS      rcS        rcS    rceE    .            .      .           .          .               rceES   .               .              .             .
    guardedSite        rcS      rcS        rcS    rceE    .            r      .           .          .               rceES   .               .              .             .
    deletedSite        c        c          c      c       .            .      .           .          .               c       .               .              .             .
    closedClientSite   rS       rS         .      .       .            .      .           .          .               reEdS   .               .              .             .
    formerSite         .        .          .      .       .            r      r           r          r               rceE    .               .              .             .
    rivalOffice        .        .          rceES  .       .            r      r           r          r               rceE    .               .              .             .
    otherClientSite    .        .          rcS    .       rceE         r      r           r          r               rceE    .               .              .             .
    foreignSite        .        .          .      .       .            .      .           .          .               .       rcS             rceE           r             rceE
    foreignUnusedSite  .        .          .      .       .            .      .           .          .               .       rcS             rceEd          .             rceEd
  `,
}

const NEW_TITLE = 'One of several'

const newShift = ({ company, location }: MatrixRow): string =>
  `insert into public.shifts (id, company_id, location_id, start_datetime, end_datetime, hourly_rate, title)
   values (${quote(NEW_ID)}, ${quote(company)}, ${quote(location)}, now() + interval '2 days', now() + interval '3 days', 25, 'New')`

const shiftOf = ({ id }: MatrixRow): string => `where id = ${quote(id)}`

const checkInOf = ({ id }: MatrixRow) => ({
  relation: 'public.gps_checkins',
  condition: `shift_id = ${quote(id)}`,
})

const shifts: Section = {
  table: 'public.shifts',
  key: 'id',
  rows: SHIFT_ROWS,
  actions: {
    r: reads('public.shifts'),
    f: follows('shifts'),
    n: lists(
      'find near by',
      `select s ->> 'id' from json_array_elements((muster.nearby_shifts(52.3731, 4.8926, 1000, 1000)).items) s`,
    ),
    N: lists(
      'find near by as what may be claimed',
      `select s ->> 'id'
       from json_array_elements((muster.nearby_shifts(52.3731, 4.8926, 1000, 1000, eligible_only => true)).items) s`,
    ),
    B: lists('be told that it has begun', "select muster.lapsed_of_shifts(now() - interval '5 hours')"),
    P: changes('publish, release, or cancel with a reason', ({ id, status }) =>
      status === 'draft' || status === 'assigned'
        ? `select muster.move_shift(${quote(id)}, array[${quote(status)}], 'published')`
        : `select muster.move_shift(${quote(id)}, array['published', 'active'], 'cancelled', null, 'By mistake')`,
    ),
    C: changes(
      'create several like it',
      ({ company, location }) =>
        `select muster.create_shifts(jsonb_build_array(jsonb_build_object(
           'company_id', ${quote(company)}, 'location_id', ${quote(location)}, 'status', 'draft',
           'start_datetime', now() + interval '2 days', 'end_datetime', now() + interval '3 days', 'hourly_rate', 25,
           'overtime_rate', 1.5, 'required_certificates', '[]'::jsonb, 'title', ${quote(NEW_TITLE)})))`,
      () => ({ relation: 'public.shifts', condition: `title = ${quote(NEW_TITLE)}` }),
    ),
    g: asks(
      'compare guards for it',
      ({ id }) => `select (muster.shift_candidates(${quote(id)}, 10)).items is not null`,
    ),
    c: changes('create one like it', newShift, NEW_ROW('public.shifts')),
    e: updates('public.shifts', "title = 'Changed'"),
    p: changes(
      'publish or release',
      (row) => `update public.shifts set status = 'published' ${shiftOf(row)} and status <> 'published'`,
    ),
    a: changes(
      'assign to a free guard',
      (row) =>
        `update public.shifts set status = 'assigned', professional_id = ${quote(row.assignee)} ${shiftOf(row)} and status <> 'assigned'`,
    ),
    A: changes(
      'assign to a free guard by what counts refusals',
      ({ id, assignee }) => `select muster.assign_shift(${quote(id)}, ${quote(assignee)})`,
    ),
    E: changes(
      'change for its guard by what counts refusals',
      ({ id }) => `select muster.change_assigned_shift(${quote(id)}, '{"title": "Changed"}')`,
    ),
    k: changes(
      'claim by hand',
      (row) =>
        `update public.shifts set status = 'assigned', professional_id = ${OWN_PROFESSIONAL} ${shiftOf(row)} and muster.guard_tenant_id() is not null`,
    ),
    K: changes('claim', ({ id }) => `select muster.claim_shift(${quote(id)})`),
    G: changes('give back', ({ id }) => `select muster.give_back_shift(${quote(id)})`),
    R: changes(
      'claim at another rate',
      (row) =>
        `update public.shifts set status = 'assigned', professional_id = ${OWN_PROFESSIONAL}, hourly_rate = 99 ${shiftOf(row)} and muster.guard_tenant_id() is not null`,
    ),
    x: updates('public.shifts', "status = 'cancelled', cancel_reason = 'By mistake'"),
    z: changes(
      'start or complete by hand',
      (row) =>
        `update public.shifts set status = case status when 'assigned' then 'active' else 'completed' end
         ${shiftOf(row)} and status <> 'completed'`,
    ),
    d: deletes('public.shifts'),
    u: updates('public.shifts', 'deleted_at = null'),
    o: {
      ...updates('public.shifts', `company_id = ${quote(ORGANIZATION_ROWS.rival.id)}`),
      means: 'give to the rival',
    },
    i: changes(
      'check in by hand',
      ({ id }) =>
        `insert into public.gps_checkins (shift_id, kind, gps_point, accuracy_meters, recorded_at)
         select ${quote(id)}, 'ping', ${SITE_POINT}, 5, now()`,
      checkInOf,
    ),
    b: changes(
      'begin by clocking in',
      ({ id }) =>
        `insert into public.gps_checkins (shift_id, kind, gps_point, accuracy_meters, recorded_at)
         select ${quote(id)}, 'clock_in', ${SITE_POINT}, 5, now()`,
    ),
    I: changes(
      'check in',
      ({ id }) =>
        `select muster.record_check_ins(jsonb_build_array(jsonb_build_object(
           'id', ${quote(NEW_ID)}, 'shift_id', ${quote(id)}, 'kind', 'ping', 'latitude', 52.3731, 'longitude', 4.8926,
           'accuracy_meters', 5, 'recorded_at', now())))`,
      checkInOf,
    ),
    t: changes(
      'report an incident',
      ({ id }) =>
        `insert into public.incidents (shift_id, category, severity, description, occurred_at)
         values (${quote(id)}, 'theft', 'low', 'A bicycle is gone.', now())`,
      ({ id }) => ({ relation: 'public.incidents', condition: `shift_id = ${quote(id)}` }),
    ),
  },
  grid: `
                                  company      colleague    rival        client  otherClient  guard   otherGuard  freeGuard  dismissedGuard  admin         foreignCompany  foreignClient  foreignGuard  foreignAdmin
    companyDraft                  rfgcCepxdP   rfgcCepxdP   .            .       .            .       .           .          .               rfgcCepxdP    .               .              .             .
    companyPublished              rfngcCeAxdP  rfngcCeAxdP  .            rfn     .            rfnNkK  rfnNkK      rfnNkKa    rfn             rfngcCeaAxdP  .               .              .             .
    companyBegun                  rfcCeAxdP    rfcCeAxdP    .            rf      .            B       B           B          B               rfcCeaAxdP    .               .              .             .
    companyAssigned               rfcCepxPE    rfcCepxPE    .            rf      .            rfibItG .           .          .               rfcCepxPE     .               .              .             .
    companyActive                 rfcCexPE     rfcCexPE     .            rf      .            rfiIt   .           .          .               rfcCexPE      .               .              .             .
    companyCompleted              rfcC         rfcC         .            rf      .            rft     .           .          .               rfcC          .               .              .             .
    companyCancelled              rfcCd        rfcCd        .            rf      .            rf      .           .          .               rfcCd         .               .              .             .
    companyDeleted                cC           cC           .            .       .            .       .           .          .               cC            .               .              .             .
    companyAtOffice               rfngcCeAxdP  rfngcCeAxdP  .            .       .            rfnNkK  rfnNkK      rfnNkKa    rfn             rfngcCeaAxdP  .               .              .             .
    companyDraftAtDraftSite       rfgcCepxdP   rfgcCepxdP   .            .       .            .       .           .          .               rfgcCepxdP    .               .              .             .
    companyAssignedAtGuardedSite  rfcCepxPE    rfcCepxPE    .            rf      .            rft     .           .          .               rfcCepxPE     .               .              .             .
    companyCompletedByFormer      rfcC         rfcC         .            rf      .            .       .           .          .               rfcC          .               .              .             .
    companyOver                   rfcCexdP     rfcCexdP     .            rf      .            .       .           .          .               rfcCexdP      .               .              .             .
    companyCancelledDeleted       cC           cC           .            .       .            .       .           .          .               cC            .               .              .             .
    formerDraft                   rfxd         rfxd         .            .       .            .       .           .          .               rfxd          .               .              .             .
    formerPublished               rfnxdP       rfnxdP       .            .       .            rf      rf          rf         rf              rfnxdP        .               .              .             .
    formerAssigned                rfexE        rfexE        .            .       .            rft     .           .          .               rfexE         .               .              .             .
    rivalDraft                    .            .            rfgcCepxdP   .       .            .       .           .          .               rfgcCepxdP    .               .              .             .
    rivalPublished                .            .            rfngcCeAxdP  .       rfn          rfnNkK  rfnNkK      rfnNkKa    rfn             rfngcCeaAxdP  .               .              .             .
    rivalAssigned                 .            .            rfcCepxPE    .       rf           .       rfibItG     .          .               rfcCepxPE     .               .              .             .
    rivalAtOffice                 .            .            rfngcCeAxdP  .       .            rfnNkK  rfnNkK      rfnNkKa    rfn             rfngcCeaAxdP  .               .              .             .
    rivalCompletedAtSite          .            .            rfcC         rf      .            .       rft         .          .               rfcC          .               .              .             .
    rivalActive                   .            .            rfcCexPE     .       rf           .       rfiIt       .          .               rfcCexPE      .               .              .             .
    foreignPublished              .            .            .            .       .            .       .           .          .               .             rfngcCeaAxdP    rfn            rfnNkKa       rfngcCeaAxdP
    foreignAssigned               .            .            .            .       .            .       .           .          .               .             rfcCepxPE       rf             rfibItG       rfcCepxPE
    foreignActive                 .            .            .            .       .            .       .           .          .               .             rfcCexPE        rf             rfiIt         rfcCexPE
  `,
}

const checkIns: Section = {
  table: 'public.gps_checkins',
  key: 'id',
  rows: CHECKIN_ROWS,
  actions: {
    r: reads('public.gps_checkins'),
    f: follows('gps_checkins'),
    D: asks(
      'send again, and be told that it is known',
      ({ id, shift }) =>
        `select muster.record_check_ins(jsonb_build_array(jsonb_build_object(
           'id', ${quote(id)}, 'shift_id', ${quote(shift)}, 'kind', 'ping', 'latitude', 52.3731, 'longitude', 4.8926,
           'accuracy_meters', 5, 'recorded_at', (select recorded_at from public.gps_checkins where id = ${quote(id)})
         ))) #>> '{0,status}' = 'duplicate'`,
    ),
    n: lists(
      'find near by',
      `select c ->> 'id'
       from json_array_elements((muster.nearby_check_ins(
         52.3731, 4.8926, 1000, now() - interval '3 days', now() + interval '3 days', 1000
       )).items) c`,
    ),
    e: updates('public.gps_checkins', "verdict = 'outside'"),
    d: deletes('public.gps_checkins'),
  },
  grid: `
                       company  colleague  rival  client  otherClient  guard  otherGuard  admin  foreignCompany  foreignClient  foreignGuard  foreignAdmin
    guardAtCompany     rfn      rfn        .      rfn     .            rfD    .           rfn    .               .              .             .
    otherGuardAtRival  .        .          rfn    .       rfn          .      rfD         rfn    .               .              .             .
    otherGuardAtSite   .        .          rfn    rfn     .            .      rfD         rfn    .               .              .             .
    formerGuard        rfn      rfn        .      rfn     .            .      .           rfn    .               .              .             .
    foreignGuard       .        .          .      .       .            .      .           .      rfn             rfn            rfD           rfn
  `,
}

const transactions: Section = {
  table: 'public.finqle_transactions',
  key: 'shift_id',
  rows: TRANSACTION_ROWS,
  actions: {
    r: reads('public.finqle_transactions', 'shift_id'),
    k: reads('public.finqle_transactions', 'shift_id', 'idempotency_key'),
    e: updates('public.finqle_transactions', 'amount = 1', 'shift_id'),
    s: updates('public.finqle_transactions', "status = 'refunded'", 'shift_id'),
    d: deletes('public.finqle_transactions', 'shift_id'),
  },
  grid: `
                          company  colleague  rival  guard  otherGuard  admin  foreignCompany  foreignGuard  foreignAdmin
    guardByCompany        r        r          .      r      .           r      .               .             .
    otherGuardByRival     .        .          r      .      r           r      .               .             .
    formerGuardByCompany  r        r          .      .      .           r      .               .             .
    foreignGuard          .        .          .      .      .           .      r               r             r
  `,
}

const assignments: Section = {
  table: 'public.assignments',
  key: 'shift_id',
  rows: ASSIGNMENT_ROWS,
  actions: {
    r: reads('public.assignments', 'shift_id'),
    f: follows('assignments', 'shift_id'),
    e: updates('public.assignments', 'hourly_rate = 499', 'shift_id'),
    s: updates('public.assignments', "ended_at = now(), ended_as = 'released'", 'shift_id'),
    d: deletes('public.assignments', 'shift_id'),
  },
  grid: `
                          company  colleague  rival  guard  otherGuard  admin  foreignCompany  foreignGuard  foreignAdmin
    guardByCompany        rf       rf         .      rf     .           rf     .               .             .
    otherGuardByRival     .        .          rf     .      rf          rf     .               .             .
    formerGuardByCompany  rf       rf         .      .      .           rf     .               .             .
    foreignGuard          .        .          .      .      .           .      rf              rf            rf
  `,
}

const UNDER_TERMS = ({ shift }: MatrixRow) => ({
  relation: 'public.assignments',
  condition: `shift_id = ${quote(shift)} and minimum_minutes = 120`,
})

const companyTerms: Section = {
  table: 'public.company_terms',
  key: 'id',
  rows: TERMS_ROWS,
  actions: {
    r: reads('public.company_terms'),
    c: inserts('public.company_terms', ({ company }) => ({
      company_id: company,
      late_after_minutes: 0,
      auto_close_minutes: 0,
      minimum_minutes: 0,
      give_back_minutes: 0,
      delivery_days: 1,
    })),
    a: changes(
      'assign the free guard under them',
      ({ shift, assignee }) => `select muster.assign_shift(${quote(shift)}, ${quote(assignee)})`,
      UNDER_TERMS,
    ),
    k: changes('claim under them', ({ shift }) => `select muster.claim_shift(${quote(shift)})`, UNDER_TERMS),
    e: updates('public.company_terms', 'minimum_minutes = 0'),
    d: deletes('public.company_terms'),
  },
  grid: `
                    company  colleague  rival  guard  otherGuard  freeGuard  admin  foreignCompany  foreignGuard  foreignAdmin
    company         rca      rca        .      k      k           k          rca    .               .             .
    rival           .        .          rca    k      k           k          rca    .               .             .
    foreignCompany  .        .          .      .      .           .          .      rca             k             rca
  `,
}

const notifications: Section = {
  table: 'public.notifications',
  key: 'id',
  rows: NOTIFICATION_ROWS,
  actions: {
    r: reads('public.notifications'),
    f: follows('notifications'),
    m: updates('public.notifications', 'read_at = now()'),
    M: updatesAll('public.notifications', 'read_at = now()'),
    e: updates('public.notifications', "data = '{}', type = 'shift_cancelled'"),
    d: deletes('public.notifications'),
    c: inserts('public.notifications', ({ tenant, user }) => ({
      tenant_id: tenant,
      user_id: user,
      type: 'shift_assigned',
    })),
  },
  grid: `
                  guard  otherGuard  admin  foreignGuard  foreignAdmin
    guard         rfmM   .           rf     .             .
    otherGuard    .      rfmM        rf     .             .
    deletedGuard  .      .           rf     .             .
    foreignGuard  .      .           .      rfmM          rf
  `,
}

const idempotencyKeys: Section = {
  table: 'muster.idempotency_keys',
  key: 'user_id',
  rows: IDEMPOTENCY_ROWS,
  actions: {
    r: reads('muster.idempotency_keys', 'user_id'),
    a: asks(
      'be given its answer',
      ({ id }) => `select muster.claim_idempotency_key('known', 'hash') = ${quote(id)}`,
    ),
    e: updates('muster.idempotency_keys', "response_body = 'mine'", 'user_id'),
    d: deletes('muster.idempotency_keys', 'user_id'),
    k: changes(
      'answer its request',
      () => `select muster.keep_idempotent_response('pending', 'mine')`,
      ({ id }) => ({
        relation: 'muster.idempotency_keys',
        condition: `user_id = ${quote(id)} and key = 'pending'`,
      }),
    ),
    o: changes(
      'answer it again',
      () => `select muster.keep_idempotent_response('known', 'mine')`,
      ({ id }) => ({
        relation: 'muster.idempotency_keys',
        condition: `user_id = ${quote(id)} and key = 'known'`,
      }),
    ),
  },
  grid: `
                  guard  foreignGuard
    guard         ak     .
    foreignGuard  .      ak
  `,
}

const idempotencyUsage: Section = {
  table: 'muster.idempotency_usage',
  key: 'user_id',
  rows: IDEMPOTENCY_ROWS,
  actions: {
    r: reads('muster.idempotency_usage', 'user_id'),
    e: updates('muster.idempotency_usage', 'keys = 0', 'user_id'),
    d: deletes('muster.idempotency_usage', 'user_id'),
    k: changes(
      'have an answer counted',
      () => `select muster.keep_idempotent_response('pending', 'mine')`,
      ({ id }) => ({
        relation: 'muster.idempotency_usage',
        condition: `user_id = ${quote(id)} and keys = 2`,
      }),
    ),
  },
  grid: `
                  guard  foreignGuard
    guard         k      .
    foreignGuard  .      k
  `,
}

/** Nobody's to read or write: a company that may ask counts itself, by shift_candidates. */
const candidatePages: Section = {
  table: 'muster.candidate_pages',
  key: 'company_id',
  rows: CANDIDATE_PAGE_ROWS,
  actions: {
    r: reads('muster.candidate_pages', 'company_id'),
    e: updates('muster.candidate_pages', "pages = '{}'", 'company_id'),
    d: deletes('muster.candidate_pages', 'company_id'),
    k: changes(
      'be counted',
      () => `select muster.count_candidate_page(${quote(ORGANIZATION_ROWS.company.id)}, 'page')`,
    ),
  },
  grid: `
             company  rival  admin  foreignCompany
    company  .        .      .      .
    rival    .        .      .      .
  `,
}

/** The same of muster.assign_shift and muster.change_assigned_shift. */
const refusedAssignments: Section = {
  table: 'muster.refused_assignments',
  key: 'company_id',
  rows: REFUSED_ASSIGNMENT_ROWS,
  actions: {
    r: reads('muster.refused_assignments', 'company_id'),
    e: updates('muster.refused_assignments', 'refused = 0', 'company_id'),
    d: deletes('muster.refused_assignments', 'company_id'),
    k: changes('be counted', () => 'select muster.count_refused_assignment()'),
  },
  grid: `
             company  rival  admin  foreignCompany
    company  .        .      .      .
    rival    .        .      .      .
  `,
}

const departedRows: Section = {
  table: 'muster.departed_rows',
  key: 'row_id',
  rows: DEPARTED_ROWS,
  actions: {
    r: reads('muster.departed_rows', 'row_id'),
    e: updates('muster.departed_rows', "audience = '{}'", 'row_id'),
    d: deletes('muster.departed_rows', 'row_id'),
    t: lists(
      'be told that it is gone',
      `select d.row_id
       from muster.departures_for_caller('shifts', '0', pg_snapshot_xmax(pg_current_snapshot()), null, null, 100) d`,
    ),
  },
  grid: `
                 company  colleague  rival  client  otherClient  guard  otherGuard  freeGuard  dismissedGuard  admin  foreignGuard  foreignAdmin
    ofGuard         .        .          .      .       .            t      .           .          .               .      .             .
    ofCompany       t        t          .      .       .            .      .           .          .               .      .             .
    ofClient        .        .          .      t       .            .      .           .          .               .      .             .
    ofProfessional  .        .          .      .       .            t      .           .          .               .      .             .
    ofGuards        .        .          .      .       .            t      t           t          t               .      .             .
    ofAdmins        .        .          .      .       .            .      .           .          .               t      .             .
    ofDeletedGuard  .        .          .      .       .            .      .           .          .               .      .             .
  `,
}

const changeOutbox: Section = {
  table: 'muster.change_outbox',
  key: 'number',
  rows: OUTBOX_ROWS,
  actions: {
    r: reads('muster.change_outbox', 'number'),
    e: updates('muster.change_outbox', "payload = 'mine'", 'number'),
    d: deletes('muster.change_outbox', 'number'),
    c: changes(
      'report a change that was none',
      () => "insert into muster.change_outbox (number, payload) values (2, 'mine')",
      () => ({ relation: 'muster.change_outbox', condition: 'number = 2' }),
    ),
  },
  grid: `
               guard admin
    ofAnybody  .     .
  `,
}

/** Nobody's to read or write: what clients get is a hash of it. */
const history: Section = {
  table: 'muster.history',
  key: 'only_row',
  rows: HISTORY_ROWS,
  actions: {
    r: reads('muster.history', 'only_row'),
    e: updates('muster.history', 'epoch = gen_random_uuid()', 'only_row'),
    d: deletes('muster.history', 'only_row'),
  },
  grid: `
             guard admin
    present  .     .
  `,
}

/** Nobody's to read or write: the change feed asks by functions. */
const changedCallers: Section = {
  table: 'muster.changed_callers',
  key: 'user_id',
  rows: CHANGED_CALLER_ROWS,
  actions: {
    r: reads('muster.changed_callers', 'user_id'),
    e: updates('muster.changed_callers', 'changed_at = now()', 'user_id'),
    d: deletes('muster.changed_callers', 'user_id'),
  },
  grid: `
           guard admin
    guard  .     .
  `,
}

/** Nobody's to read or write: who could say that a table has an audience would decide what others are told. */
const audiences: Section = {
  table: 'muster.audiences',
  key: 'relation',
  rows: AUDIENCE_ROWS,
  actions: {
    r: reads('muster.audiences', 'relation'),
    e: updates('muster.audiences', "policies = 'mine'", 'relation'),
    d: deletes('muster.audiences', 'relation'),
  },
  grid: `
              guard admin
    ofShifts  .     .
  `,
}

/** Nobody's to read or write: background work notes the sizes, by a function. */
const sizeSamples: Section = {
  table: 'muster.size_samples',
  key: 'relation',
  rows: SIZE_SAMPLE_ROWS,
  actions: {
    r: reads('muster.size_samples', 'relation'),
    e: updates('muster.size_samples', 'bytes = 0', 'relation'),
    d: deletes('muster.size_samples', 'relation'),
    s: changes('take a sample', () => 'select muster.sample_sizes()'),
  },
  grid: `
              guard admin
    ofShifts  .     .
  `,
}

/** Nobody's to read or write: background work alone. */
const jobs: Section = {
  table: 'muster.jobs',
  key: 'name',
  rows: JOB_ROWS,
  actions: {
    r: reads('muster.jobs', 'name'),
    e: updates('muster.jobs', 'next_run_at = now()', 'name'),
    d: deletes('muster.jobs', 'name'),
    c: changes('warn of certificates', () => 'select muster.warn_of_expiring_certificates()'),
    p: changes('warn of payments', () => 'select muster.warn_of_stale_payments()'),
    l: changes('flag late shifts', () => 'select muster.flag_late_shifts()'),
    m: changes('close missed shifts', () => 'select muster.close_missed_shifts()'),
    o: changes('close shifts that nobody left', () => 'select muster.close_left_shifts()'),
  },
  grid: `
               guard admin
    ofAnybody  .     .
  `,
}

const onItsChannel = ({ topic }: MatrixRow): string => String(topic)

const messages: Section = {
  table: 'realtime.messages',
  key: 'id',
  rows: MESSAGE_ROWS,
  actions: {
    r: { ...reads('realtime.messages'), means: 'listen', topic: onItsChannel },
    o: {
      ...reads('realtime.messages'),
      means: 'listen from another channel',
      topic: () => `shift:${SHIFT_ROWS.companyPublished.id}`,
    },
    s: {
      ...changes(
        'send',
        ({ topic }) =>
          `insert into realtime.messages (topic, extension) values (${quote(topic)}, 'broadcast')`,
        ({ topic }) => ({ relation: 'realtime.messages', condition: `topic = ${quote(topic)}` }),
      ),
      topic: onItsChannel,
    },
    p: {
      ...changes(
        'send what is neither a broadcast nor a presence',
        ({ topic }) =>
          `insert into realtime.messages (topic, extension) values (${quote(topic)}, 'postgres_changes')`,
        ({ topic }) => ({ relation: 'realtime.messages', condition: `topic = ${quote(topic)}` }),
      ),
      topic: onItsChannel,
    },
    O: {
      ...changes(
        'send to another channel',
        ({ topic }) =>
          `insert into realtime.messages (topic, extension) values (${quote(topic)}, 'broadcast')`,
        ({ topic }) => ({ relation: 'realtime.messages', condition: `topic = ${quote(topic)}` }),
      ),
      topic: () => `shift:${SHIFT_ROWS.companyActive.id}`,
    },
    e: { ...updates('realtime.messages', "payload = '{}'"), topic: onItsChannel },
    d: { ...deletes('realtime.messages'), topic: onItsChannel },
  },
  grid: `
                     company  colleague  rival  client  otherClient  guard  otherGuard  admin  foreignCompany  foreignClient  foreignGuard  foreignAdmin
    companyActive    r        r          .      r       .            rsO    .           r      .               .              .             .
    companyAssigned  .        .          .      .       .            .      .           .      .               .              .             .
    rivalActive      .        .          r      .       r            .      rs          r      .               .              .             .
    foreignActive    .        .          .      .       .            .      .           .      r               r              rs            r
    ofNoShift        .        .          .      .       .            .      .           .      .               .              .             .
  `,
}

/** Every table has its section; a test compares the list with the catalog. */
export const SECTIONS: readonly Section[] = [
  tenants,
  organizations,
  companyClients,
  users,
  memberships,
  invitations,
  professionals,
  locations,
  shifts,
  checkIns,
  assignments,
  companyTerms,
  transactions,
  notifications,
  idempotencyKeys,
  idempotencyUsage,
  candidatePages,
  refusedAssignments,
  departedRows,
  changeOutbox,
  changedCallers,
  history,
  audiences,
  sizeSamples,
  jobs,
  messages,
  ...ACCESSES.map(({ section }) => section),
]

/** See `tellingCells`. */
export const TELLING: readonly Telling[] = [
  {
    actions: ['claim'],
    why: 'A guard who comes late learns that the shift was open, and is gone; of drafts and other tenants nothing.',
    when: (persona, { status, tenant, deleted }) =>
      /guard$/i.test(persona) &&
      status !== 'draft' &&
      !deleted &&
      (tenant === TENANTS.b) === FOREIGNERS.includes(persona),
  },
  {
    actions: ['check in by hand', 'begin by clocking in'],
    why: 'A phone that was off learns that the shift it has in its queue was cancelled.',
    when: (persona, { professional, deleted }) =>
      professional === PROFESSIONAL_ROWS[persona as 'guard']?.id && !deleted,
  },
]

/** See `Alone`: each rule of an insert or update policy, for one who has it and one who has not. */
export const POLICIES_ALONE: readonly Alone[] = [
  {
    table: 'public.organizations',
    inserts: {
      'admin quietClient': 'allowed',
      'foreignAdmin quietClient': 'refused',
      'company company': 'refused',
      'client client': 'refused',
      'guard company': 'refused',
    },
  },
  {
    table: 'public.company_clients',
    inserts: {
      'admin companyClient': 'allowed',
      'foreignAdmin companyClient': 'refused',
      'company companyClient': 'refused',
      'client companyClient': 'refused',
    },
  },
  {
    table: 'public.security_professionals',
    updates: {
      'guard guard guard': 'allowed',
      'admin guard freeGuard': 'allowed',
      'admin * foreignGuard': 'refused',
      'company guard guard': 'refused',
    },
  },
  {
    table: 'public.locations',
    inserts: {
      'company office': 'allowed',
      'company site': 'allowed',
      'company rivalOffice': 'refused',
      'company otherClientSite': 'refused',
      'client site': 'allowed',
      'client office': 'refused',
      'admin rivalOffice': 'allowed',
      'admin foreignSite': 'refused',
      'guard site': 'refused',
    },
    updates: {
      'company office unusedOffice': 'allowed',
      'company * rivalOffice': 'refused',
      'company * site': 'refused',
      'client site unusedSite': 'allowed',
      'client * office': 'refused',
      'admin site office': 'allowed',
      'admin * foreignSite': 'refused',
      'guard site site': 'refused',
    },
  },
  {
    table: 'public.shifts',
    inserts: {
      'company companyDraft': 'allowed',
      'company rivalDraft': 'refused',
      'admin rivalDraft': 'allowed',
      'admin foreignPublished': 'refused',
      'client companyPublished': 'refused',
      'guard companyAssigned': 'refused',
    },
    updates: {
      'company companyDraft companyPublished': 'allowed',
      'company * rivalDraft': 'refused',
      'admin companyDraft rivalDraft': 'allowed',
      'admin * foreignPublished': 'refused',
      'guard companyPublished companyAssigned': 'allowed',
      'guard companyPublished rivalAssigned': 'refused',
      'guard companyPublished companyCompleted': 'refused',
      'guard companyAssigned companyAssigned': 'refused',
      'guard companyBegun companyAssigned': 'refused',
      'guard companyDeleted companyAssigned': 'refused',
      'client companyPublished companyPublished': 'refused',
    },
  },
  {
    table: 'public.company_terms',
    inserts: {
      'company company': 'allowed',
      'company rival': 'refused',
      'admin rival': 'allowed',
      'admin foreignCompany': 'refused',
      'client company': 'refused',
      'guard company': 'refused',
    },
  },
  {
    table: 'public.gps_checkins',
    inserts: {
      'guard guardAtCompany': 'allowed',
      'otherGuard guardAtCompany': 'refused',
      'company guardAtCompany': 'refused',
      'admin guardAtCompany': 'refused',
    },
  },
  {
    table: 'public.notifications',
    updates: {
      'guard guard guard': 'allowed',
      'guard * otherGuard': 'refused',
      'otherGuard guard otherGuard': 'refused',
      'admin guard guard': 'refused',
    },
  },
  ...ACCESSES.flatMap(({ section, alone }) => (alone ? [{ ...alone, table: section.table }] : [])),
]
