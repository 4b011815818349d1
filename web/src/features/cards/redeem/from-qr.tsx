import { Navigate, useLocation } from 'react-router'

/** Short addresses make QR codes that are easier to read; the page itself is under `/cards`. */
export function Component() {
  const { search } = useLocation()
  return <Navigate to={`/cards/redeem${search}`} replace />
}
