import axios from 'axios'
import { doTheJob } from './job.js'

const { BASE, GUARD } = process.env
const api = axios.create({ baseURL: `${BASE}/v1`, headers: { Authorization: `Bearer ${GUARD}` } })

await doTheJob({
  get: async (path) => (await api.get(path)).data,
  // Without a body, axios says that it sends an empty form.
  post: async (path, body) => (await (body === undefined ? api.post(path) : api.post(path, body))).data,
})
