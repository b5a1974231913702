"""Invalid replies and errors of Redis."""

MALFORMED = {
    "nil array": b"*-1\r\n",
    "nil": b"$-1\r\n",
    "status": b"+OK\r\n",
    "integer": b":1\r\n",
    "empty array": b"*0\r\n",
    "short array": b"*1\r\n$1\r\nx\r\n",
    "long array": b"*4\r\n$-1\r\n$-1\r\n$-1\r\n$-1\r\n",
    "array of arrays": b"*2\r\n*1\r\n$1\r\nx\r\n$-1\r\n",
    "array of integers": b"*2\r\n:1\r\n:2\r\n",
    "array with an error": b"*2\r\n-ERR x\r\n$-1\r\n",
    "empty value": b"$0\r\n\r\n",
    "negative array": b"*-7\r\n",
    "array of no length": b"*x\r\n",
    "value of no length": b"$x\r\n",
    "integer of 4,301 digits": b":" + b"9" * 4301 + b"\r\n",
    "nested too deeply": b"*1\r\n" * 100_000 + b":1\r\n",
    "garbage": b"\x00\xff\xfe garbage\r\n",
    "HTTP": b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "empty line": b"\r\n",
    "map of RESP3": b"%1\r\n$1\r\na\r\n$1\r\nb\r\n",
    "null of RESP3": b"_\r\n",
    "push of RESP3": b">2\r\n$7\r\nmessage\r\n$1\r\nx\r\n",
    "message": b"*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nx\r\n",
    "two replies": b"*2\r\n$-1\r\n$-1\r\n+OK\r\n:1\r\n*-1\r\n",
    "MOVED to nowhere": b"-MOVED\r\n",
    "ASK to nowhere": b"-ASK x y z\r\n",
    "error that is not UTF-8": b"-\xff\xfe\r\n",
    "error of 70,000 bytes": b"-ERR " + b"x" * 70_000 + b"\r\n",
}
TRUNCATED = {"half an array": b"*2\r\n", "half a value": b"*2\r\n$30\r\n190000", "half a line": b"*2"}
ERRORS = [
    b"MOVED 3999 127.0.0.1:6381",
    b"ASK 3999 127.0.0.1:6381",
    b"TRYAGAIN Multiple keys request during rehashing of slot",
    b"CLUSTERDOWN The cluster is down",
    b"CROSSSLOT Keys in request don't hash to the same slot",
    b"LOADING Redis is loading the dataset in memory",
    b"READONLY You can't write against a read only replica.",
    b"MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
    b"NOAUTH Authentication required.",
    b"OOM command not allowed when used memory > 'maxmemory'.",
    b"NOPERM User x has no permissions to run the 'mget' command",
    b"NOREPLICAS Not enough good replicas to write.",
    b"BUSY Redis is busy running a script.",
    b"ERR max number of clients reached",
]
WRONG_NODE_CODES = (b"MOVED", b"CLUSTERDOWN", b"READONLY", b"MASTERDOWN")
WRONG_NODE = [error for error in ERRORS if error.split()[0] in WRONG_NODE_CODES]
COMMANDS = ("MGET", "SET", "DEL")
