! SPDX-FileCopyrightText: 2026 nopal developers
! SPDX-License-Identifier: BSD-3-Clause

! A simulation in Fortran with a learned surrogate in its time loop.
!
! The simulation: heat conduction u_t = div(k(u) grad u) with k(u) = 0.02 + 0.05 u^2, periodic on the
! unit square, by finite differences; each rank has some of the columns u(:, j). The surrogate, which
! the example heat_in_situ has trained, replaces 100 steps by one call on the ranks' own columns. A
! gate looks after it: conduction keeps the mean temperature and never raises the largest one. A jump
! that breaks this by more than a tolerance is taken again by the simulation.
!
! Sample runs:
!
!     heat_in_situ && fortran_heat heat.safetensors
!     mpiexec -n 4 fortran_heat heat.safetensors
!     fortran_heat heat.safetensors 0.001               a gate that lets little through
module conduction
  use, intrinsic :: iso_fortran_env, only: real64
  use mpi_f08
  implicit none
  integer, parameter :: n = 32, steps_of_a_jump = 100
  real(real64), parameter :: dt = 1e-3_real64
  integer :: rank, ranks, first, last

contains

  ! This rank has the columns first, ..., last; fields have one more on each side.
  subroutine divide
    call MPI_Comm_rank(MPI_COMM_WORLD, rank)
    call MPI_Comm_size(MPI_COMM_WORLD, ranks)
    first = n*rank/ranks + 1
    last = n*(rank + 1)/ranks
  end subroutine divide

  subroutine simulate(u)
    real(real64), intent(inout) :: u(n, first - 1:last + 1)
    real(real64) :: next(n, first:last)
    integer :: left, right, i, j, s, up, down
    left = modulo(rank - 1, ranks)
    right = modulo(rank + 1, ranks)
    do s = 1, steps_of_a_jump
      call MPI_Sendrecv(u(:, first), n, MPI_DOUBLE_PRECISION, left, 0, u(:, last + 1), n, &
                        MPI_DOUBLE_PRECISION, right, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE)
      call MPI_Sendrecv(u(:, last), n, MPI_DOUBLE_PRECISION, right, 1, u(:, first - 1), n, &
                        MPI_DOUBLE_PRECISION, left, 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE)
      do j = first, last
        do i = 1, n
          up = modulo(i, n) + 1
          down = modulo(i - 2, n) + 1
          next(i, j) = u(i, j) + dt*n**2*(flux(u(i, j), u(up, j)) + flux(u(i, j), u(down, j)) &
                                          + flux(u(i, j), u(i, j + 1)) + flux(u(i, j), u(i, j - 1)))
        end do
      end do
      u(:, first:last) = next
    end do
  end subroutine simulate

  pure real(real64) function flux(from, to)
    real(real64), intent(in) :: from, to
    flux = (0.02_real64 + 0.05_real64*(0.5_real64*(from + to))**2)*(to - from)
  end function flux

  subroutine begin(u)
    real(real64), intent(out) :: u(n, first - 1:last + 1)
    real(real64), parameter :: two_pi = 6.283185307179586_real64
    integer :: i, j
    do j = first - 1, last + 1
      do i = 1, n
        u(i, j) = cos(two_pi*(i - 1)/n) + 0.5_real64*sin(two_pi*(2*(i - 1) + j - 1)/n) &
                  + 0.3_real64*cos(two_pi*(i - 1 - 3*(j - 1))/n)
      end do
    end do
  end subroutine begin

  real(real64) function total(mine)
    real(real64), intent(in) :: mine
    call MPI_Allreduce(mine, total, 1, MPI_DOUBLE_PRECISION, MPI_SUM, MPI_COMM_WORLD)
  end function total

  real(real64) function largest(mine)
    real(real64), intent(in) :: mine
    call MPI_Allreduce(mine, largest, 1, MPI_DOUBLE_PRECISION, MPI_MAX, MPI_COMM_WORLD)
  end function largest

end module conduction

program fortran_heat
  use, intrinsic :: iso_fortran_env, only: error_unit, real64
  use mpi_f08
  use nopal
  use conduction
  implicit none
  integer, parameter :: jumps = 4
  type(nopal_model) :: surrogate
  character(len=512) :: path, word, record
  real(real64), allocatable :: u(:, :), truth(:, :), x(:, :), y(:, :)
  real(real64) :: tolerance, drift, overshoot, error, peak
  integer :: jump, status
  logical :: accepted

  ! 1. Each rank has its columns.
  call MPI_Init()
  call divide
  call get_command_argument(1, path)
  call get_command_argument(2, word)
  call get_command_argument(3, record)
  tolerance = 0.05_real64
  if (word /= '') read (word, *) tolerance
  allocate (u(n, first - 1:last + 1), truth(n, first - 1:last + 1), x(n, first:last), y(n, first:last))

  ! 2. The surrogate on them: once, before the time loop.
  call check(nopal_initialise())
  call check(nopal_load(MPI_COMM_WORLD%mpi_val, path, nopal_double, surrogate))
  call check(nopal_set_box(surrogate, [n, n], [1, first], [n, last]))

  ! 3. The time loop: a jump by the surrogate, or by the simulation if the gate refuses it.
  if (rank == 0) print '(a)', 'jump  by          drift of the mean  error against the simulation'
  call begin(u)
  truth = u
  do jump = 1, jumps
    x = u(:, first:last)
    call check(nopal_infer(surrogate, x, y))
    if (jump == 1 .and. record /= '') call write_fields(record)
    peak = largest(maxval(abs(x)))
    drift = abs(total(sum(y - x)))/n**2/peak
    overshoot = max(0.0_real64, largest(maxval(abs(y)))/peak - 1)
    accepted = max(drift, overshoot) <= tolerance
    if (accepted) then
      u(:, first:last) = y
    else
      call simulate(u)
    end if
    call simulate(truth)
    error = sqrt(total(sum((u(:, first:last) - truth(:, first:last))**2)) &
                 /total(sum(truth(:, first:last)**2)))
    if (rank == 0) print '(i4, 2x, a, f8.4, 11x, f8.4)', jump, &
      merge('surrogate ', 'simulation', accepted), drift, error
  end do

  call check(nopal_destroy(surrogate))
  call check(nopal_finalise())
  call MPI_Finalize()

contains

  subroutine check(code)
    integer, intent(in) :: code
    if (code == nopal_success) return
    write (error_unit, '(2a)') 'fortran_heat: ', nopal_error()
    flush (error_unit)
    call MPI_Abort(MPI_COMM_WORLD, 1, status)
  end subroutine check

  ! Input and output of the surrogate, gathered: for those who want to look at them.
  subroutine write_fields(name)
    character(len=*), intent(in) :: name
    real(real64), allocatable :: whole(:, :)
    integer :: counts(ranks), starts(ranks), r, unit
    do r = 1, ranks
      starts(r) = n*(n*(r - 1)/ranks)
      counts(r) = n*(n*r/ranks) - starts(r)
    end do
    allocate (whole(n, n))
    if (rank == 0) open (newunit=unit, file=trim(name), access='stream', form='unformatted', &
                         status='replace', action='write')
    do r = 1, 2
      call MPI_Gatherv(merge(x, y, r == 1), size(x), MPI_DOUBLE_PRECISION, whole, counts, starts, &
                       MPI_DOUBLE_PRECISION, 0, MPI_COMM_WORLD)
      if (rank == 0) write (unit) whole
    end do
    if (rank == 0) close (unit)
  end subroutine write_fields

end program fortran_heat
