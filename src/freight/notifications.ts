const load = ['load_id', 'reference', 'starts_at', 'ends_at']
const loadOfDriver = [...load, 'cancel_reason']

/** What the rules tell users of: each type, with the members of its data. */
export const notifications = {
  load_assigned: loadOfDriver,
  load_unassigned: loadOfDriver,
  load_changed: loadOfDriver,
  load_cancelled: loadOfDriver,
  load_driver_suspended: load,
  driver_document_expiring: ['document_id', 'driver_id', 'driver', 'kind', 'expiry_date', 'days'],
} as const satisfies Readonly<Record<string, readonly string[]>>
