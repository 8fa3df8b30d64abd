/// The loop as an executor: tasks started with `executorPreference: loop` and actors whose `unownedExecutor` it is run on its thread.
extension EventLoop {
    package func enqueue(_ job: consuming ExecutorJob) { submit(.job(UnownedJob(job))) }

    package func asUnownedSerialExecutor() -> UnownedSerialExecutor { UnownedSerialExecutor(ordinary: self) }

    package func asUnownedTaskExecutor() -> UnownedTaskExecutor { UnownedTaskExecutor(ordinary: self) }

    package func checkIsolated() { precondition(inLoop, "not on the thread of event loop \(name)") }

    package func isIsolatingCurrentContext() -> Bool? { inLoop }
}
