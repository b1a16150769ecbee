-- Passes bodies on that the gateway does not read: of more than the server takes, one byte too
-- many, which the server refuses.
local messages = {}

-- A message begins with whether it is compressed, and its length in four bytes
-- (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md).
local PREFIX = 5

local byte, char, floor = string.byte, string.char, math.floor

-- `rest` is what may still be passed on.
local function pass_at_most(chunk, rest)
  local length = chunk:length()
  if rest <= 0 then
    chunk:setBytes("")
  elseif length > rest then
    chunk:setBytes(chunk:getBytes(0, rest))
  end
  return rest - length
end

-- Passes on a body.
function messages.pass_raw(handle, limit)
  local rest = limit + 1
  for chunk in handle:bodyChunks() do rest = pass_at_most(chunk, rest) end
end

local function length_in(prefix)
  local _, first, second, third, fourth = byte(prefix, 1, PREFIX)
  return ((first * 256 + second) * 256 + third) * 256 + fourth
end

local function prefix_of(length)
  return char(0, floor(length / 16777216) % 256, floor(length / 65536) % 256,
    floor(length / 256) % 256, length % 256)
end

-- Reads on in the prefix, of which `held` came in earlier pieces and were not passed on. Returns
-- what is held then; all of it once it is whole. What is said to be too long is made as long as the
-- server refuses.
local function read_prefix(chunk, held, limit)
  local length = chunk:length()
  local known = chunk:getBytes(0, math.min(PREFIX - #held, length))
  local prefix = held .. known
  local passed = ""
  if #prefix == PREFIX then
    passed = length_in(prefix) > limit and prefix_of(limit + 1) or prefix
  end
  if passed ~= known then
    chunk:setBytes(passed .. (length > #known and chunk:getBytes(#known, length - #known) or ""))
  end
  return prefix
end

-- Passes on the one message of a gRPC call, or the first of a stream's.
function messages.pass(handle, limit)
  local prefix, rest = "", limit + 1 + PREFIX
  for chunk in handle:bodyChunks() do
    if #prefix < PREFIX and chunk:length() > 0 then prefix = read_prefix(chunk, prefix, limit) end
    rest = pass_at_most(chunk, rest)
  end
end

return messages
