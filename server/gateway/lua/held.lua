-- Counts what is held of large bodies that have not ended: the transcoder keeps a body until it is
-- whole. Each of Envoy's workers has a count of its own.
--
-- `most` is set by whoever loads this module: bytes that may be held at once.
local held = { most = nil }

local total = 0

-- The body is whole, or is no longer held.
function held.give_back(claim)
  local meta = getmetatable(claim)
  total, meta.bytes = total - meta.bytes, 0
end

-- What one body holds. Nobody says when a stream is given up, but then nothing refers to its claim
-- any more: it is collected, and gives back what it had.
function held.claim()
  local claim = newproxy(true)
  local meta = getmetatable(claim)
  meta.bytes, meta.__gc = 0, held.give_back
  return claim
end

-- Whether there is room for `bytes` more of this body. A claim that was refused holds nothing.
function held.add(claim, bytes)
  if total + bytes > held.most then collectgarbage() end
  if total + bytes > held.most then
    held.give_back(claim)
    return false
  end
  local meta = getmetatable(claim)
  total, meta.bytes = total + bytes, meta.bytes + bytes
  return true
end

return held
