// SPDX-License-Identifier: MIT
//
// Java's own protobuf against a kvs with ?codec=varint: writeDelimitedTo and parseDelimitedFrom are all of the
// framing there is here.
//
//     Interop HOST PORT CASE

import abi.Abi.CommandRequest;
import abi.Abi.CommandResponse;
import abi.Abi.Hexist;
import abi.Abi.Hget;
import abi.Abi.Hset;
import abi.Abi.Kvpair;
import abi.Abi.Value;
import com.google.protobuf.ByteString;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.util.Arrays;

final class Interop {
    private static final int DEADLINE_MS = 120_000; // decides no case that passes
    private static final int MAX_FRAME = 8 << 20;

    private final Socket socket;
    private final InputStream in;
    private final OutputStream out;

    private Interop(String host, int port) throws IOException {
        socket = new Socket(host, port);
        socket.setSoTimeout(DEADLINE_MS);
        in = new BufferedInputStream(socket.getInputStream());
        out = new BufferedOutputStream(socket.getOutputStream());
    }

    private static void expect(Object got, Object wanted) {
        if (!got.equals(wanted)) {
            throw new AssertionError("got " + got + ", wanted " + wanted);
        }
    }

    private static Value binary(int size) {
        byte[] bytes = new byte[size];
        Arrays.fill(bytes, (byte) 7);
        return Value.newBuilder().setBinary(ByteString.copyFrom(bytes)).build();
    }

    private static CommandRequest hset(String key, Value value) {
        Kvpair pair = Kvpair.newBuilder().setKey(key).setValue(value).build();
        return CommandRequest.newBuilder()
                .setHset(Hset.newBuilder().setTable("java").setPair(pair))
                .build();
    }

    private static CommandRequest hget(String key) {
        return CommandRequest.newBuilder()
                .setHget(Hget.newBuilder().setTable("java").setKey(key))
                .build();
    }

    private static CommandRequest hexist(String key) {
        return CommandRequest.newBuilder()
                .setHexist(Hexist.newBuilder().setTable("java").setKey(key))
                .build();
    }

    private static CommandResponse ok(Value value) {
        return CommandResponse.newBuilder().setStatus(200).addValues(value).build();
    }

    private CommandResponse receive() throws IOException {
        return CommandResponse.parseDelimitedFrom(in);
    }

    private CommandResponse call(CommandRequest request) throws IOException {
        request.writeDelimitedTo(out);
        out.flush();
        return receive();
    }

    // Messages of every size about those at which their length takes a byte more.
    private void sizes() throws IOException {
        for (int edge : new int[] {1 << 7, 1 << 14, 1 << 21}) {
            for (int size = edge - 40; size <= edge + 4; size++) {
                expect(call(hset("k" + size, binary(size))).getStatus(), 200);
                expect(call(hget("k" + size)), ok(binary(size)));
            }
        }
    }

    private void pipelining() throws IOException {
        for (long i = 0; i < 1000; i++) {
            hset("pipe", Value.newBuilder().setInteger(i).build()).writeDelimitedTo(out);
        }
        out.flush();
        expect(receive(), ok(Value.getDefaultInstance()));
        for (long i = 0; i < 999; i++) {
            expect(receive(), ok(Value.newBuilder().setInteger(i).build()));
        }
    }

    // A length may take more bytes than it needs, and no peer may cut a length to 32 bits.
    private void errors() throws IOException {
        expect(call(CommandRequest.getDefaultInstance()).getStatus(), 400);
        expect(call(hget("nothing")).getStatus(), 404);
        byte[] request = hexist("nothing").toByteArray();
        out.write(new byte[] {(byte) (request.length | 0x80), (byte) 0x80, (byte) 0x80, 0});
        out.write(request);
        out.flush();
        expect(receive(), ok(Value.newBuilder().setBool(false).build()));

        expect(call(hset("large", binary(MAX_FRAME))).getStatus(), 413);
        expect(call(hexist("large")), ok(Value.newBuilder().setBool(false).build()));
    }

    // parseDelimitedFrom tells the end of the stream from an empty message.
    private void end() throws IOException {
        hget("nothing").writeDelimitedTo(out);
        out.flush();
        socket.shutdownOutput();
        expect(receive().getStatus(), 404);
        expect(receive() == null, true);
    }

    public static void main(String[] args) throws IOException {
        Interop client = new Interop(args[0], Integer.parseInt(args[1]));
        switch (args[2]) {
            case "sizes" -> client.sizes();
            case "pipelining" -> client.pipelining();
            case "errors" -> client.errors();
            case "end" -> client.end();
            default -> throw new IllegalArgumentException(args[2]);
        }
    }
}
